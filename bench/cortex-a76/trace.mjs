/** What an emulated program executes, instruction by instruction, layer by layer. */
import { execFileSync, spawn } from 'node:child_process';
import readline from 'node:readline';

const PAGE = 4096n;
/** Ends what the emulator translates at once. */
const BRANCH = /^(b|bl|br|blr|ret|b\.\w+|cbn?z|tbn?z|svc)\b/;

/** @returns {Map<bigint, string>} address → instruction */
function disassemble(program) {
  const text = execFileSync('aarch64-linux-gnu-objdump', ['-d', '--no-show-raw-insn', program], {
    encoding: 'utf8',
    maxBuffer: 2 ** 29,
  });
  const instructions = new Map();
  for (const line of text.split('\n')) {
    const match = /^ +([0-9a-f]+):\t(.*)$/.exec(line);
    if (match) instructions.set(BigInt(`0x${match[1]}`), match[2].replace(/\s*(\/\/|<).*$/, ''));
  }
  return instructions;
}

function addressOf(program, symbol) {
  const text = execFileSync('aarch64-linux-gnu-nm', [program], { encoding: 'utf8' });
  const match = new RegExp(`^([0-9a-f]+) \\w ${symbol}$`, 'm').exec(text);
  if (match === null) throw new Error(`the program has no ${symbol}`);
  return BigInt(`0x${match[1]}`);
}

/** Instructions from an address to the branch or the page's end that ends the emulator's block. */
function blockAt(instructions, start) {
  const block = [];
  for (let at = start; ; at += 4n) {
    const instruction = instructions.get(at);
    if (instruction === undefined) throw new Error(`nothing is known at address ${at.toString(16)}`);
    block.push(instruction.replace(/\t/, ' '));
    if (BRANCH.test(instruction) || (at + 4n) % PAGE === 0n) return block;
  }
}

/**
 * @param {{ emulator: string[], program: string, marker: string }} options `marker`: the function called before and
 *   after each layer
 * @returns {Promise<string[][][]>} per layer the blocks of instructions in the order in which they were executed
 */
export async function traceLayers({ emulator, program, marker }) {
  const instructions = disassemble(program);
  const mark = addressOf(program, marker);
  const blocks = new Map();
  const layers = [];
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
      if (!blocks.has(address)) blocks.set(address, blockAt(instructions, address));
      layers.at(-1).push(blocks.get(address));
    }
  }
  return layers;
}
