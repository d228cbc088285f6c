#!/bin/sh
# Tells what the world looks like from inside a container.

processes=$(ls /proc | grep -c '^[0-9]*$')
memory=$(awk '/MemTotal/ { print int($2 / 1024) " MiB" }' /proc/meminfo)

cat <<EOF
Hello from $(hostname)!

I am process $$ here, $(id -un), and the first one there is: this file system, host name and network are mine.
My image was built on $(cat /built); my kernel, $(uname -r), I share with you.
The machine has $memory of memory, and $(nproc) processors that I may use.
EOF
