/** Which nodes of an integer graph map on which target, and why the others do not. */
import type { Manifest } from '../../model/bundle/contract.ts';
import { INPUT_NAME, type IntegerGraph, inputsOf, type Shape } from '../../model/graph.ts';
import { AKD1000 } from './akd1000.ts';
import { AKD1500 } from './akd1500.ts';
import { AKIDA2 } from './akida2.ts';
import { CPU } from './cpu.ts';
import { HEAD_NAME, type TargetRules } from './target.ts';

/** Every target, by its name on the command line and in manifests. */
export const RULES = {
  cpu: CPU,
  akd1000: AKD1000,
  akd1500: AKD1500,
  akida2: AKIDA2,
} as const satisfies Readonly<Record<string, TargetRules>>;
export type Target = keyof typeof RULES;
export const TARGETS = Object.keys(RULES) as readonly Target[];

export type TargetReport = Manifest['targets'][string];
export type TargetReports = Readonly<Record<Target, TargetReport>>;

export function checkTargets(graph: IntegerGraph): TargetReports {
  return forEachTarget((_, rules) => checkTarget(graph, rules));
}

/** A value for every target. */
export function forEachTarget<Value>(
  toValue: (target: Target, rules: TargetRules) => Value,
): Record<Target, Value> {
  const entries = TARGETS.map((target) => [target, toValue(target, RULES[target])] as const);
  return Object.fromEntries(entries) as Record<Target, Value>;
}

/** As the target computes it, where it has an arithmetic of its own and takes the graph whole. @throws RefusedError */
export function exactOn(target: Target, graph: IntegerGraph): IntegerGraph {
  const rules: TargetRules = RULES[target];
  if (rules.exact === undefined || !checkTarget(graph, rules).maps) return graph;
  return rules.exact(graph);
}

function checkTarget(graph: IntegerGraph, rules: TargetRules): TargetReport {
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
