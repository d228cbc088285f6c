#!/bin/sh
# Tells what the world looks like from inside a container.

memory=$(awk '/MemTotal/ { print int($2 / 1024) " MiB" }' /proc/meminfo)

cat <<EOF
Hello from $(hostname)!

I am process $$ here, the first one there is: files, processes, host name and network are my own.
My image was built on $(cat /built). The kernel, $(uname -r), I share with you,
and of the machine's $memory of memory and $(nproc) processors I may use what I need.
EOF
