# Runs inside the emulated machine, as root, in a unit that the harness hands to systemd on the kernel's command line. Takes
# numbered commands from the first 64 KiB of a disk of its own and leaves what they say behind them.
mail=${1:-}
while [ -z "$mail" ]; do
  for disk in /sys/block/vd*; do
    if [ "$(cat "$disk/serial")" = mail ]; then mail=/dev/${disk##*/}; fi
  done
  sleep 1
done
# What the host writes is seen past this system's own memory of the disk; plain files of tests may not know of that.
read_mail() { dd if="$mail" bs=65536 count=1 iflag="$1" status=none 2> /dev/null; }
folder=$(mktemp -d -p /run 2> /dev/null || mktemp -d)
last=0
while :; do
  text=$({ read_mail direct || read_mail fullblock; } | tr -d '\000')
  number=${text%%
*}
  case "$number" in '' | *[!0-9]*) number=0 ;; esac
  if [ "$number" -gt "$last" ]; then
    last=$number
    printf '%s\n' "${text#*
}" > "$folder/command"
    {
      echo "ANSWER $number"
      timeout 3600 sh "$folder/command" 2>&1
      printf '\nEXIT %s\nEND %s\n' $? "$number"
    } > "$folder/answer"
    dd if="$folder/answer" of="$mail" bs=65536 seek=1 conv=notrunc,fsync status=none
  fi
  sleep 1
done
