# Runs inside the emulated machine, as root, in a unit that the harness hands to systemd on the kernel's command line. Takes
# numbered commands from the first 64 KiB of a disk of its own and leaves what they say behind them.
mail=/dev/disk/by-id/virtio-mail
last=0
while :; do
  text=$(dd if=$mail bs=65536 count=1 iflag=direct status=none | tr -d '\000')
  number=${text%%
*}
  case "$number" in '' | *[!0-9]*) number=0 ;; esac
  if [ "$number" -gt "$last" ]; then
    last=$number
    echo "${text#*
}" > /run/harness-command
    {
      echo "ANSWER $number"
      timeout 600 sh /run/harness-command 2>&1
      printf '\nEXIT %s\nEND %s\n' $? "$number"
    } > /run/harness-answer
    dd if=/run/harness-answer of=$mail bs=65536 seek=1 conv=notrunc,fsync status=none
  fi
  sleep 1
done
