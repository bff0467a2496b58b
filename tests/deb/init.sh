#!/bin/sh
# What a boot loader and an initrd do: mounts what systemd finds mounted, makes $1 the root, becomes systemd.
# $2: a terminal of the machine outside that is this one's /dev/ttyUSB0. $3: a file system outside that is this one's
# partition of /srv/stoep, "broken" where that has none to mount, empty if there is none.
set -e
root=$1
terminal=$2
partition=$3
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 cgroups "$root/sys/fs/cgroup"
for one in blkio cpu cpuacct cpuset devices freezer memory pids; do
    mkdir "$root/sys/fs/cgroup/$one"
    mount -t cgroup -o "$one" cgroup "$root/sys/fs/cgroup/$one" || rmdir "$root/sys/fs/cgroup/$one"
done
mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
    set -- $node
    mknod -m 666 "$root/dev/$1" c "$2" "$3"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs shm "$root/dev/shm"
if [ -n "$terminal" ]; then
    : > "$root/dev/ttyUSB0"
    mount --bind "$terminal" "$root/dev/ttyUSB0"
fi
if [ -d "$partition" ]; then
    # systemd passes over devices in fstab where another than it has made them: here that is us, with the line's options.
    options=$(awk '$2 == "/srv/stoep" { print $4 }' "$root/etc/fstab")
    mkdir -p "$root/srv/stoep"
    mount --bind "$partition" "$root/srv/stoep"
    mount -o "remount,bind,${options:-defaults}" "$root/srv/stoep"
fi
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs tmp "$root/tmp"
if [ "$partition" = broken ]; then
    mkdir -p "$root/run/systemd/system"
    printf '[Mount]\nWhat=/dev/disk/by-label/stoep\nWhere=/srv/stoep\n' > "$root/run/systemd/system/srv-stoep.mount"
fi
cd "$root"
mkdir -p .outside
pivot_root . .outside
umount -l /.outside
mount --make-rshared /
exec env -i container=stoep PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 /lib/systemd/systemd --system >/dev/null 2>&1 </dev/null
