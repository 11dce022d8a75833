/** Which nodes of an integer graph map on which target, and why the others do not. */
import type { Manifest, Target } from '../../model/bundle/contract.ts';
import { INPUT_NAME, type IntegerGraph, inputsOf, type Shape } from '../../model/graph.ts';
import { AKD1000 } from './akd1000.ts';
import { AKIDA2 } from './akida2.ts';
import { CPU } from './cpu.ts';
import { HEAD_NAME, type TargetRules } from './target.ts';

export const RULES: readonly TargetRules[] = [CPU, AKD1000, AKIDA2];

export type TargetReports = Manifest['targets'];

export function checkTargets(graph: IntegerGraph): TargetReports {
  const [cpu, akd1000, akida2] = RULES.map((rules) => checkTarget(graph, rules));
  return { cpu, akd1000, akida2 };
}

function checkTarget(graph: IntegerGraph, rules: TargetRules): TargetReports[Target] {
  const shapes = new Map<string, Shape>([[INPUT_NAME, graph.input.shape]]);
  for (const node of graph.nodes) shapes.set(node.name, node.output.shape);
  const placementOf = (input: string) => ({
    graph,
    inputShape: shapes.get(input) ?? graph.input.shape,
    isFirst: input === INPUT_NAME,
  });
  const unmapped = graph.nodes.flatMap((node) => {
    const reasons = rules.reasonsAgainst(node, placementOf(inputsOf(node)[0]));
    return reasons.length === 0 ? [] : [{ node: node.name, reason: reasons.join('; ') }];
  });
  const headReasons = rules.reasonsAgainstHead(graph.head, placementOf(graph.head.input));
  if (headReasons.length > 0) unmapped.push({ node: HEAD_NAME, reason: headReasons.join('; ') });
  return { maps: unmapped.length === 0, unmapped };
}
