# What the programs do, one after the other.
hello
hello one two three
cat motto
no-such-program
motto
misbehave out
status
misbehave null
status
hello still here
exit
