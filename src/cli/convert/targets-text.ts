import { printable } from '../../errors.ts';
import type { Manifest } from '../../model/bundle/contract.ts';
import { print } from '../../ui/terminal/console.ts';
import { counted } from '../../ui/terminal/layout.ts';

/** For each target, whether every layer maps; else the reasons, each with the layers that it keeps off the chip. */
export function printTargets(targets: Manifest['targets']): void {
  for (const [target, { maps, unmapped }] of Object.entries(targets)) {
    print(
      maps
        ? `${target}: every layer maps`
        : `${target}: ${counted(unmapped.length, 'layer does', 'layers do')} not map`,
    );
    const byReason = new Map<string, string[]>();
    for (const { node, reason } of unmapped) byReason.set(reason, [...(byReason.get(reason) ?? []), node]);
    for (const [reason, nodes] of byReason) print(`  ${printable(`${reason}: ${nodes.join(', ')}`)}`);
  }
}
