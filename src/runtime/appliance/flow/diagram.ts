import type { AnyStateNode } from 'xstate';
import { flowMachine } from './machine.ts';
import { DEFAULT_TIMEOUTS, type FlowParts } from './parts.ts';

/** Never called: a diagram shows the transitions, not what happens in them. */
const NO_PARTS: FlowParts = {
  capture: () => Promise.reject(new Error('a diagram captures nothing')),
  read: () => Promise.reject(new Error('a diagram reads nothing')),
  learn: () => Promise.reject(new Error('a diagram learns nothing')),
  undo: () => Promise.reject(new Error('a diagram undoes nothing')),
  lastUpdate: () => null,
};

/** The flow as a Mermaid state diagram, from the machine itself. */
export function flowDiagram(): string {
  const { root } = flowMachine(NO_PARTS, DEFAULT_TIMEOUTS);
  const lines = Object.values(root.states).flatMap(transitionsOf);
  return ['stateDiagram-v2', '  [*] --> idle', ...lines.map((line) => `  ${line}`)].join('\n');
}

function transitionsOf(state: AnyStateNode): string[] {
  return [...state.transitions.values()].flat().map(({ eventType, target, guard, description }) => {
    const to = target?.[0]?.key ?? state.key;
    const condition = typeof guard === 'string' ? ` [${guard}]` : '';
    return `${state.key} --> ${to}: ${description ?? wordsOf(eventType)}${condition}`;
  });
}

/** XState names the ends of actors and delays by where they stand. */
function wordsOf(eventType: string): string {
  if (eventType.startsWith('xstate.error.')) return 'fault';
  const delay = /^xstate\.after\.(\w+)\./.exec(eventType);
  return delay ? `${delay[1]} time is over` : eventType;
}
