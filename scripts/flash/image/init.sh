#!/bin/sh
# The first program of the image. Whatever fails ends it, and with it the kernel: `panic=` starts the machine again, and a slot
# on trial is given up by that.
export PATH=/bin:/sbin
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys

fail() {
  echo "spikescope: $*" > /dev/kmsg
  exit 1
}

slot='' verity=''
for word in $(/bin/busybox cat /proc/cmdline); do
  case "$word" in
    spikescope.slot=*) slot=${word#*=} ;;
    spikescope.verity=*) verity=${word#*=} ;;
  esac
done
case "$slot" in a | b) ;; *) fail "the command line names no slot" ;; esac

# <root hash>:<salt>:<blocks of data>, blocks of 4096 bytes; the tree of hashes follows the data after one block.
IFS=:
set -- $verity
unset IFS
[ $# = 3 ] || fail "the command line has no spikescope.verity=HASH:SALT:BLOCKS"

load() { while read -r module; do /bin/busybox insmod "/lib/modules/$module" 2> /dev/null; done < "/lib/modules/$1"; }
if /bin/busybox grep -q brcm,bcm /proc/device-tree/compatible 2> /dev/null; then load raspberry-pi; fi
load everywhere

# On a card or a virtual disk, never on a stick: as udev's rule for the other partitions has it.
device=''
tries=0
while [ -z "$device" ]; do
  for entry in /sys/class/block/*; do
    case "$(/bin/busybox readlink -f "$entry")" in */usb*) continue ;; esac
    /bin/busybox grep -qx "PARTNAME=root-$slot" "$entry/uevent" && device=/dev/${entry##*/}
  done
  [ -n "$device" ] && break
  tries=$((tries + 1))
  [ $tries -lt 300 ] || fail "no partition root-$slot appeared within 60 s"
  /bin/busybox sleep 0.2
done

# A block that is not as it was built stops the machine: half a system is worse than the other slot.
table="0 $(($3 * 8)) verity 1 $device $device 4096 4096 $3 $(($3 + 1)) sha256 $1 $2 1 panic_on_corruption"
/sbin/dmsetup create --noudevsync --noudevrules --readonly --table "$table" system || fail "no verified view of $device"
# The kernel makes this node; the one with a name would be udev's to make.
/bin/busybox mount -t erofs -o ro /dev/dm-0 /root || fail "the root of slot $slot cannot be mounted"

/bin/busybox umount /sys /proc
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
