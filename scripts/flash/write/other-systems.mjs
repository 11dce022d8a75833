/** The same work with the tools of Windows and macOS, which this program does not speak for. */

/**
 * @param {string} image name of the image, raw or .zst
 * @returns {string}
 */
export function otherSystems(image) {
  const raw = image.replace(/\.zst$/, '');
  const unpack = image === raw ? [] : [`  zstd -d ${image}`];
  return [
    'On Windows (PowerShell as administrator; Raspberry Pi Imager, which also verifies):',
    ...unpack,
    `  Get-FileHash -Algorithm SHA256 ${raw}          # as ${raw}.manifest.json has it`,
    '  Get-Disk | Where-Object BusType -in USB,SD,MMC     # which number is the card?',
    `  & "$env:ProgramFiles\\Raspberry Pi Imager\\rpi-imager.exe" --cli ${raw} \\\\.\\PhysicalDriveN`,
    'or without commands: in Raspberry Pi Imager or balenaEtcher choose “custom image”; answer “no” to their own settings.',
    '',
    'On macOS:',
    ...unpack,
    `  shasum -a 256 ${raw}                            # as ${raw}.manifest.json has it`,
    '  diskutil list external physical                   # which number is the card?',
    '  diskutil unmountDisk /dev/diskN',
    `  sudo dd if=${raw} of=/dev/rdiskN bs=4m`,
    `  sudo cmp -n "$(stat -f %z ${raw})" ${raw} /dev/rdiskN && echo the same`,
    '  diskutil eject /dev/diskN',
    '',
    'These commands were not run by this project, which has neither system at hand.',
  ].join('\n');
}
