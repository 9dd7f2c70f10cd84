# Debian packages, by what needs them. Sourced by check and demo.

# Building.
packages_build=(gcc libc6-dev)
# Guests and their disks.
packages_qemu=(qemu-system-x86 qemu-utils)
# Clients of the NBD server that nobody here wrote.
packages_nbd=(fio libnbd-bin qemu-system-common)
# Building the stock image.
packages_stock=(apt dpkg e2fsprogs kmod mtools syslinux syslinux-common)
# IBM's SDKs, in a virtual environment.
packages_python=(python3 python3-venv)
# The store's contract suite.
packages_postgres=(postgresql)
# SSH keys of the demo.
packages_demo=(openssh-client)
