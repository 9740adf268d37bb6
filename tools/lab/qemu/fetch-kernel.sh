#!/bin/sh
# Debian's kernel for guests of QEMU, taken out of its package without installing it.
# usage: fetch-kernel.sh FOLDER    nothing is done when FOLDER is there already
set -eu
folder=$1
[ -e "$folder/vmlinuz" ] && exit 0
# The package that the meta package of the day depends on.
package=$(apt-cache depends --important linux-image-cloud-amd64 |
  sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
[ -n "$package" ] || { echo 'no linux-image-cloud-amd64 to be had: apt-get update?' >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
(cd "$scratch" && apt-get download -qq -o APT::Sandbox::User=root "$package" >&2)
dpkg-deb -x "$scratch"/*.deb "$scratch/root"
mkdir -p "$(dirname "$folder")"
# Whole or not at all: whoever finds the folder finds the kernel.
mkdir "$scratch/kernel"
mv "$scratch"/root/boot/vmlinuz-* "$scratch/kernel/vmlinuz"
mv "$scratch"/root/lib/modules/* "$scratch/kernel/modules"
echo "$package" >"$scratch/kernel/package"
rm -rf "$folder" "$folder.new"
cp -r "$scratch/kernel" "$folder.new"
mv "$folder.new" "$folder"
