import type { WifiNetwork, WifiSetup } from './setup.ts';

/**
 * The configuration of wpa_supplicant. Names of networks are written in hexadecimal, whatever is in them; texts in quotes
 * were checked to be printable ASCII, and end at the last quote of their line.
 * @param settings folder in which the certificates lie
 */
export function wifiConfiguration({ country, networks }: WifiSetup, settings: string): string {
  const head = ['# Written from the setup of the device.', `country=${country}`, 'pmf=1', 'sae_pwe=2'];
  const blocks = networks.map((network, index) =>
    ['network={', ...linesOf(network, settings), `priority=${networks.length - index}`, '}'].join('\n'),
  );
  return `${[...head, ...blocks].join('\n')}\n`;
}

function linesOf(network: WifiNetwork, settings: string): string[] {
  const common = [
    `ssid=${Buffer.from(network.name).toString('hex')}`,
    ...(network.hidden ? ['scan_ssid=1'] : []),
  ];
  if (!('user' in network)) return [...common, 'key_mgmt=WPA-PSK SAE', `psk="${network.password}"`];
  return [
    ...common,
    'key_mgmt=WPA-EAP WPA-EAP-SHA256',
    'eap=PEAP',
    `identity="${network.user}"`,
    `password="${network.password}"`,
    'phase2="auth=MSCHAPV2"',
    `ca_cert="${settings}/${network.authority}"`,
    `domain_match="${network.server}"`,
  ];
}
