#!/bin/sh
# First process of a lab of Docker engines, in namespaces of its own: the engine whose containers
# are the lab's hosts. All it writes is in memory of this mount namespace, and goes with it.
# Arguments: the lab's folder; its name, for cgroups.
set -eu
folder=$1
name=$2
mount -t tmpfs -o mode=755 weft-lab /run
mkdir /run/netns
mount -t tmpfs -o mode=711 weft-lab "$folder/data"
ip link set lo up
export PATH="$folder/bin:/usr/sbin:/usr/bin:/sbin:/bin"
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY no_proxy NO_PROXY
exec dockerd --host "unix://$folder/docker.sock" --pidfile /run/dockerd.pid \
  --data-root "$folder/data" --exec-root /run/docker --cgroup-parent "/$name" --bip 192.168.241.1/24
