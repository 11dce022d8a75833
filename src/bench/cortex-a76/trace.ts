/** What an emulated program executes, instruction by instruction, layer by layer. */
import { execFileSync, spawn } from 'node:child_process';
import readline from 'node:readline';
import { SpikescopeError } from '../../errors.ts';

const PAGE = 4096n;
/** Ends what the emulator translates at once. */
const BRANCH = /^(b|bl|br|blr|ret|b\.\w+|cbn?z|tbn?z|svc)\b/;

/** Instruction by address. */
function disassemble(program: string): Map<bigint, string> {
  const text = execFileSync('aarch64-linux-gnu-objdump', ['-d', '--no-show-raw-insn', program], {
    encoding: 'utf8',
    maxBuffer: 2 ** 29,
  });
  const instructions = new Map<bigint, string>();
  for (const line of text.split('\n')) {
    const match = /^ +([0-9a-f]+):\t(.*)$/.exec(line);
    if (match) instructions.set(BigInt(`0x${match[1]}`), match[2].replace(/\s*(\/\/|<).*$/, ''));
  }
  return instructions;
}

function addressOf(program: string, symbol: string): bigint {
  const text = execFileSync('aarch64-linux-gnu-nm', [program], { encoding: 'utf8' });
  const match = new RegExp(`^([0-9a-f]+) \\w ${symbol}$`, 'm').exec(text);
  if (match === null) throw traceFault(`no symbol ${symbol}`);
  return BigInt(`0x${match[1]}`);
}

/** Instructions from an address to the branch or the page's end that ends the emulator's block. */
function blockAt(instructions: ReadonlyMap<bigint, string>, start: bigint): string[] {
  const block: string[] = [];
  for (let at = start; ; at += 4n) {
    const instruction = instructions.get(at);
    if (instruction === undefined) throw traceFault(`nothing at address ${at.toString(16)}`);
    block.push(instruction.replace(/\t/, ' '));
    if (BRANCH.test(instruction) || (at + 4n) % PAGE === 0n) return block;
  }
}

export interface TraceOptions {
  /** The emulator and its arguments. */
  readonly emulator: readonly string[];
  readonly program: string;
  /** The function that is called before and after each layer. */
  readonly marker: string;
}

/**
 * @returns for each layer the blocks of instructions in the order in which they were executed
 * @throws SpikescopeError `BENCH_TRACE`
 */
export async function traceLayers({ emulator, program, marker }: TraceOptions): Promise<string[][][]> {
  const instructions = disassemble(program);
  const mark = addressOf(program, marker);
  const blocks = new Map<bigint, string[]>();
  const layers: string[][][] = [];
  let within = false;
  const [command, ...args] = emulator;
  const child = spawn(command, [...args, '-d', 'exec,nochain', program], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for await (const line of readline.createInterface({ input: child.stderr })) {
    const match = /^Trace \d+: 0x[0-9a-f]+ \[[0-9a-f]+\/([0-9a-f]+)\//.exec(line);
    if (match === null) continue;
    const address = BigInt(`0x${match[1]}`);
    if (address === mark) {
      within = !within;
      if (within) layers.push([]);
    } else if (within) {
      const block = blocks.get(address) ?? blockAt(instructions, address);
      blocks.set(address, block);
      layers.at(-1)?.push(block);
    }
  }
  return layers;
}

function traceFault(received: string): SpikescopeError {
  return new SpikescopeError('BENCH_TRACE', 'The emulated program cannot be followed', { received });
}
