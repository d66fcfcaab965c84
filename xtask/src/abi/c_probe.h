
#if !__has_builtin(__builtin_clear_padding)
#error "this compiler cannot tell padding: set CC to gcc 11 or later"
#endif

/* Each question is answered on a line: its number, a space, the answer. */

#define NUMBER(number, value) \
    printf("%d %s%llu\n", number, (value) < 0 ? "-" : "", \
           (value) < 0 ? 0 - (unsigned long long)(value) : (unsigned long long)(value))

#define SIZE(number, type) printf("%d %zu\n", number, sizeof(type))

#define OFFSET(number, type, field) printf("%d %zu\n", number, offsetof(type, field))

#define IS_SIGNED(value) \
    _Generic((value), signed char: 1, short: 1, int: 1, long: 1, long long: 1, default: 0)

#define EXTENT(number, type, field) \
    printf("%d %zu%s\n", number, sizeof(((type *)0)->field), \
           IS_SIGNED(((type *)0)->field) ? " signed" : "")

/* Bytes that a header gives as assembler text: assembled outside of main, printed inside. */
#define BYTES(number, text) \
    extern const unsigned char bytes_##number[]; \
    __asm__(".pushsection .rodata\nbytes_" #number ":\n" text "\n.popsection");
#define PRINT_BYTES(number, length) print_bytes(number, bytes_##number, length)

static void print_bytes(int number, const unsigned char *bytes, size_t length)
{
    printf("%d ", number);
    for (size_t i = 0; i < length; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

/*
 * Padding: everything is set, then the compiler clears what belongs to no member, then the members
 * that were named are set again, since they have questions of their own. What is clear is padding.
 */
#define COVER(type, field) memset(bytes + offsetof(type, field), 0xff, sizeof(((type *)0)->field))
#define PADDING(number, type, cover) do { \
    static type value; \
    unsigned char *bytes = (unsigned char *)&value; \
    memset(&value, 0xff, sizeof value); \
    __builtin_clear_padding(&value); \
    cover; \
    print_padding(number, bytes, sizeof value); \
} while (0)

static void print_padding(int number, const unsigned char *bytes, size_t length)
{
    printf("%d [", number);
    const char *separator = "";
    for (size_t i = 0; i < length; i++) {
        if (bytes[i])
            continue;
        size_t start = i;
        while (i < length && !bytes[i])
            i++;
        printf("%s%zu..%zu", separator, start, i);
        separator = " ";
    }
    printf("]\n");
}

