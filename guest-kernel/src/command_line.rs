//! Options on a kernel's command line: words separated by spaces, some of the form `name=value`.

/// Returns the value of the first option called `name`, if there is one.
pub fn value<'a>(command_line: &'a str, name: &str) -> Option<&'a str> {
    command_line.split_whitespace().find_map(|word| {
        let (word_name, value) = word.split_once('=')?;
        (word_name == name).then_some(value)
    })
}

/// Returns the values of a `name=first,second` option, none if there is no such option.
pub fn values<'a>(command_line: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    value(command_line, name).into_iter().flat_map(|list| list.split(','))
}

/// Returns the value of the first option called `name` as a decimal number, if it is one.
pub fn number(command_line: &str, name: &str) -> Option<u64> {
    value(command_line, name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_whole_name() {
        let line = "quiet xrun=no run=help,mem  run=late empty=";
        assert_eq!(value(line, "run"), Some("help,mem"));
        assert_eq!(value(line, "empty"), Some(""));
        assert_eq!(value(line, "quiet"), None);
        assert_eq!(value("", "run"), None);
    }

    #[test]
    fn only_a_number_is_a_number() {
        assert_eq!(number("pages=16384", "pages"), Some(16384));
        assert_eq!(number("pages=many", "pages"), None);
        assert_eq!(number("", "pages"), None);
    }

    #[test]
    fn a_list_is_split_at_commas() {
        assert_eq!(
            values("run=help,mem,poweroff", "run").collect::<Vec<_>>(),
            ["help", "mem", "poweroff"]
        );
        assert_eq!(values("run", "run").count(), 0);
    }
}
