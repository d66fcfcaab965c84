spin 1 &
spin 1 &
exit
