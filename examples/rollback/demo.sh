#!/bin/sh
# Three commits of a running database, back two, forward one: its data is what it was at each.
# Needs the package redis-tools, whose redis-check-rdb is the server itself under another name.
set -eu
lighter=${LIGHTER:-lighter}
here=$(dirname "$0")
context=$(mktemp -d)
cleanup() {
	"$lighter" rm --force --volumes shop-db >/dev/null 2>&1 || true
	rm -rf "$context"
}
trap cleanup EXIT

# The program and the libraries that it loads, at the paths where they are here.
add_program() {
	install -D "$1" "$context/root/usr/bin/$2"
	ldd "$1" | grep -o '/[^ ]*' | xargs -I{} cp --parents --dereference {} "$context/root"
}
add_program /usr/bin/redis-check-rdb redis-server
add_program /usr/bin/redis-cli redis-cli
cp "$here/Dockerfile" "$context"

redis() {
	"$lighter" exec shop-db redis-cli "$@"
}
wait_until_ready() {
	until [ "$(redis ping 2>&1)" = PONG ]; do sleep 0.1; done
}
show() {
	wait_until_ready
	echo "$1: $(redis get stock) in stock, orders: $(redis lrange orders 0 -1 | tr '\n' ' ')"
}

"$lighter" image ls --quiet busybox | grep -q . || "$lighter" template build busybox >/dev/null
"$lighter" build --quiet --tag shop "$context" >/dev/null
"$lighter" run --detach --name shop-db --network none shop >/dev/null
wait_until_ready

redis set stock 10 >/dev/null
for customer in ann bob cem; do
	redis rpush orders "$customer" >/dev/null
	redis decr stock >/dev/null
	"$lighter" commit --message "order of $customer" shop-db "shop:$customer" >/dev/null
	show "committed shop:$customer"
done
redis flushall >/dev/null
show "by mistake"

"$lighter" rollback --quiet --restart shop-db 2 >/dev/null
show "two back"
"$lighter" rollback --quiet --restart shop-db +1 >/dev/null
show "one forward"
"$lighter" rollback --quiet --restart shop-db +1 >/dev/null
show "and one more"

echo
"$lighter" image log --format '{{.Position}} {{.Size}} {{.Changes}} {{.Comment}}' shop:cem | head -3
echo
"$lighter" container reflog --format '{{.Entry}} {{.Reason}} {{.Detail}}' shop-db
