/** What differs between the machines that one system runs on. */

/**
 * @typedef {object} Board
 * @property {string} title for people
 * @property {string} console words of the kernel's command line
 * @property {readonly string[]} firmware packages of which only files are taken
 * @property {string} settings first /etc/spikescope/spikescope.yaml, until a technician brings others
 */

/** @type {Readonly<Record<string, Board>>} */
export const BOARDS = {
  pi5: {
    title: 'Raspberry Pi 5',
    console: 'console=ttyAMA10,115200 console=tty1',
    firmware: ['raspi-firmware'],
    settings: '# Until spikescope-config.yaml brings others.\nsource: libcamera\nlog: json\n',
  },
  virt: {
    title: "QEMU's virtual machine",
    console: 'console=ttyAMA0,115200',
    firmware: [],
    settings:
      '# Until spikescope-config.yaml brings others. There is no camera: what is read is drawn.\nsource: phantom\nlog: json\n',
  },
};
