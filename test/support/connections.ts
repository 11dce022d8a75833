/** Where a process and its children reach out to, as the kernel was asked. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** `-yy` says of what protocol a socket is; nothing of what is sent is recorded. */
const STRACE = [
  ...['-f', '-qq', '-yy', '-s', '0', '--seccomp-bpf'],
  ...['-e', 'trace=connect,sendto,sendmsg,sendmmsg', '-e', 'signal=none'],
];
const CALL = /^\d+ +(?<call>connect|send\w+)\(\d+<(?<protocol>\w+)/;
const ADDRESS = /sa_family=AF_INET6?,.*?(?:inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)")/;

export const canWatchConnections =
  spawnSync('strace', [...STRACE, '-o', '/dev/null', process.execPath, '-e', '']).status === 0;

/** The command that runs another in the same process and records where it reaches. @param file absolute path */
export function watched(file: string): string[] {
  return ['strace', '-D', ...STRACE, '-o', file];
}

/**
 * The addresses that were reached or tried, each once. To connect a UDP socket sends nothing, and browsers ask in this way
 * by which route they would go: such addresses count where any datagram was sent.
 */
export function peersIn(file: string): string[] {
  const [reached, routes] = [new Set<string>(), new Set<string>()];
  let datagrams = 0;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const { call, protocol } = CALL.exec(line)?.groups ?? {};
    if (call === undefined) continue;
    const isUdp = protocol.startsWith('UDP');
    if (isUdp && call !== 'connect') datagrams++;
    const [, four, six] = ADDRESS.exec(line) ?? [];
    const address = four ?? six;
    if (address !== undefined) (isUdp && call === 'connect' ? routes : reached).add(address);
  }
  return [...new Set([...reached, ...(datagrams > 0 ? routes : [])])].sort();
}

export function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\./.test(address) || address === '::1';
}
