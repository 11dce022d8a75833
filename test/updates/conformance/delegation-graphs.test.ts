/**
 * The scenarios of the public TUF conformance suite, `test_updater_delegation_graphs.py` and `test_quoting_issues.py`, under
 * the names of its functions.
 */
import { expect, it } from 'vitest';
import { deviceOf, endDevicesAfterEach, scenario } from '../../support/updates/scenario.ts';
import type { Delegation, Simulator } from '../../support/updates/simulator.ts';

endDevicesAfterEach();
type Edge = readonly [delegator: string, name: string, options?: Omit<Delegation, 'name'>];
interface Graph {
  readonly edges: readonly Edge[];
  readonly visited: readonly string[];
}

const END = { terminating: true };
const PY = { paths: ['*.py'] };
const GRAPHS: Readonly<Record<string, Graph>> = {
  'basic-delegation': { edges: [['targets', 'A']], visited: ['A'] },
  'single-level-delegations': {
    edges: [
      ['targets', 'A'],
      ['targets', 'B'],
    ],
    visited: ['A', 'B'],
  },
  'two-level-delegations': {
    edges: [
      ['targets', 'A'],
      ['targets', 'B'],
      ['B', 'C'],
    ],
    visited: ['A', 'B', 'C'],
  },
  'two-level-test-DFS-order-of-traversal': {
    edges: [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C'],
      ['A', 'D'],
    ],
    visited: ['A', 'C', 'D', 'B'],
  },
  'three-level-delegation-test-DFS-order-of-traversal': {
    edges: [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C'],
      ['C', 'D'],
    ],
    visited: ['A', 'C', 'D', 'B'],
  },
  'two-level-terminating-ignores-all-but-roles-descendants': {
    edges: [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C', END],
      ['A', 'D'],
    ],
    visited: ['A', 'C'],
  },
  'three-level-terminating-ignores-all-but-roles-descendants': {
    edges: [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C', END],
      ['C', 'D'],
    ],
    visited: ['A', 'C', 'D'],
  },
  'two-level-ignores-all-branches-not-matching-paths': {
    edges: [
      ['targets', 'A', PY],
      ['targets', 'B'],
      ['A', 'C'],
    ],
    visited: ['B'],
  },
  'three-level-ignores-all-branches-not-matching-paths': {
    edges: [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C', PY],
      ['C', 'D'],
    ],
    visited: ['A', 'B'],
  },
  'cyclic-graph': {
    edges: [
      ['targets', 'A'],
      ['targets', 'B'],
      ['B', 'C'],
      ['C', 'D'],
      ['D', 'B'],
    ],
    visited: ['A', 'B', 'C', 'D'],
  },
  'two-roles-delegating-to-a-third': {
    edges: [
      ['targets', 'A'],
      ['targets', 'B'],
      ['B', 'C'],
      ['A', 'C'],
    ],
    visited: ['A', 'C', 'B'],
  },
  'two-roles-delegating-to-a-third-different-paths': {
    edges: [
      ['targets', 'A'],
      ['targets', 'B'],
      ['B', 'C'],
      ['A', 'C', PY],
    ],
    visited: ['A', 'B', 'C'],
  },
};

function build(repository: Simulator, edges: readonly Edge[]): void {
  for (const [delegator, name, options] of edges) repository.delegate(delegator, { name, ...options });
  const roles = new Set(edges.flatMap(([delegator, name]) => [name, delegator]));
  repository.publish([...roles, 'snapshot', 'timestamp']);
}

/** Requests after those of the top level. */
const delegated = (repository: Simulator) => repository.requests.slice(4);

it.each(Object.entries(GRAPHS))('test_graph_traversal: %s', async (_, { edges, visited }) => {
  const { repository, device } = scenario();
  build(repository, edges);
  expect(await device.download(repository, 'missingpath')).toBe('TARGET_UNKNOWN');
  expect(delegated(repository)).toEqual(visited.map((role) => `1.${role}.json`));
});

/** targets → A and B, B → C and D, by the paths that each may sign. */
function tree(repository: Simulator): void {
  const text = (content: string) => Buffer.from(content);
  const edges: Edge[] = [
    ['targets', 'A', { paths: ['*.doc', '*.md', 'foo-?.tgz'] }],
    ['targets', 'B', { paths: ['releases/*/*'] }],
    ['B', 'C', { paths: ['releases/x/*'] }],
    ['B', 'D', { paths: ['releases/y/*.zip'] }],
  ];
  for (const [delegator, name, options] of edges) repository.delegate(delegator, { name, ...options });
  repository.addTarget('targets', text('targetfile content'), 'targetfile');
  for (const name of ['README.md', 'releases/README.md', 'foo-1.tgz', 'foo-alpha.tgz']) {
    repository.addTarget('A', text(`${name} by A`), name);
  }
  repository.addTarget('C', text('x release by C'), 'releases/x/x_v1');
  repository.addTarget('D', text('y release by D'), 'releases/y/y_v1.zip');
  repository.addTarget('D', text('z release by D'), 'releases/z/z_v1.zip');
  repository.publish(['A', 'B', 'C', 'D', 'targets', 'snapshot', 'timestamp']);
}

it.each([
  ['no delegations', 'targetfile', true, []],
  ['targetpath matches wildcard', 'README.md', true, ['A']],
  ['targetpath with separators x', 'releases/x/x_v1', true, ['B', 'C']],
  ['targetpath with separators y', 'releases/y/y_v1.zip', true, ['B', 'D']],
  ['targetpath is not delegated by all roles in the chain', 'releases/z/z_v1.zip', false, ['B']],
  ['wildcard does not match path separator', 'releases/README.md', false, []],
  ['targetpath matches question mark wildcard', 'foo-1.tgz', true, ['A']],
  ['targetpath does not match question mark wildcard', 'foo-alpha.tgz', false, []],
  ['targetpath matching is case sensitive', 'README.MD', false, []],
])('test_targetfile_search: %s', async (_, name, isFound, visited) => {
  const { repository, device } = scenario();
  tree(repository);
  const expected = isFound ? repository.artifacts.get(name) : 'TARGET_UNKNOWN';
  expect(await device.download(repository, name)).toEqual(expected);
  expect(delegated(repository)).toEqual(visited.map((role) => `1.${role}.json`));
});

it('test_cached_role_is_verified_against_current_delegator', async () => {
  const { repository, device } = scenario();
  for (const team of ['a', 'b']) {
    repository.delegate('targets', { name: `parent-${team}`, paths: [`team-${team}/*`] });
    repository.delegate(`parent-${team}`, { name: 'release', paths: [`team-${team}/*`] });
  }
  // Each parent named a key of its own for the role; that of the second does not sign.
  repository.dropSigner('release');
  repository.addTarget('release', Buffer.from('trusted A'), 'team-a/file');
  repository.addTarget('release', Buffer.from('malicious B'), 'team-b/file');
  repository.publish(['release', 'parent-a', 'parent-b', 'targets', 'snapshot', 'timestamp']);
  const names: string[] = [];
  const both = device.use(repository, async (trusted) => {
    for (const team of ['a', 'b']) names.push((await trusted.target(`team-${team}/file`)).name);
  });
  await expect(both).rejects.toMatchObject({ code: 'TRUST_SIGNATURE' });
  expect(names).toEqual(['team-a/file']);
});

it('test_delegation_not_in_snapshot', async () => {
  const { repository, device } = scenario();
  repository.delegate('targets', { name: 'delegated', paths: ['delegatedpath/*'] });
  repository.publish(['delegated', 'targets']);
  delete repository.snapshot.meta['delegated.json'];
  repository.publish(['snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('trusted');
  repository.requests.length = 0;
  expect(await device.download(repository, 'delegatedpath/foo')).toBe('TRUST_MISMATCH');
  expect(await device.versions()).not.toHaveProperty('delegated');
  expect(repository.requests).toEqual(['2.root.json', 'timestamp.json']);
});

it.each(['?', '#', '/delegatedrole', '../delegatedrole'])('test_unusual_role_name: %s', async (name) => {
  const { repository } = scenario();
  const device = deviceOf(repository);
  repository.delegate('targets', { name });
  repository.publish([name, 'targets', 'snapshot', 'timestamp']);
  expect(await device.download(repository, 'nonexistent')).toBe('TARGET_UNKNOWN');
  expect(repository.requests).toContain(`1.${name}.json`);
  expect(Object.keys(await device.versions())).toHaveLength(5);
  // It is a name within one file, and never of one.
  expect(Object.keys(device.files()).sort()).toEqual(['metadata.json', 'owner.lock', 'root.json']);
});
