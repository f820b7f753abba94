# Becomes systemd as process 1 of a machine of its own: file tree, processes, control groups; the network is the
# caller's. All that it writes goes to memory, but for the folders that are given as arguments, which are the real ones.
set -eu
[ "${1-}" = inner ] || {
  cgroups=$(mktemp -d)
  mount -t cgroup2 cgroup2 "$cgroups"
  mkdir "$cgroups/bulkhead-test-$$"
  echo $$ > "$cgroups/bulkhead-test-$$/cgroup.procs"
  exec unshare --pid --fork --kill-child --mount --propagation private --cgroup --uts --ipc sh "$0" inner "$@"
}
shift
top=$(mktemp -d)
mount -t tmpfs tmpfs "$top"
mkdir "$top/up" "$top/work" "$top/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$top/up,workdir=$top/work" "$top/root"
cd "$top/root"
for folder; do mkdir -p ".$folder"; mount --bind "$folder" ".$folder"; done
mount -t proc proc proc
mount -t sysfs sysfs sys
mkdir -p sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs dev
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir dev/shm
ln -s /proc/self/fd dev/fd
# Nothing of this machine's own start, which would see to disks, clocks, temporary files and settings of the kernel.
rm -rf usr/lib/systemd/system/*.wants usr/lib/systemd/system-generators/* usr/lib/tmpfiles.d etc/systemd/system etc/fstab
mkdir -p etc/systemd/system
for unit in tmp.mount dev-hugepages.mount dev-mqueue.mount proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount; do
  ln -s /dev/null etc/systemd/system/$unit
done
printf '[Unit]\nDescription=Test\nDefaultDependencies=no\n' > etc/systemd/system/test.target
mkdir old
pivot_root . old
umount -l old
exec env -i PATH="$PATH" container=other /lib/systemd/systemd --system --unit=test.target --log-target=null
