import { describe, expect, it } from 'vitest';
import { commandSchemas } from '../../src/telehealth/commands/command.ts';
import { discoveryOf } from '../../src/telehealth/discovery.ts';
import { topicsOf } from '../../src/telehealth/topics.ts';
import { modelInUse as model } from '../support/model-in-use.ts';

const topics = topicsOf('scope.1');

function discovery(...allowed: 'capture'[]) {
  const publication = discoveryOf({ prefix: 'ha', allowed: new Set(allowed) }, 'scope.1', model, topics);
  return { publication, document: JSON.parse(publication.payload) };
}

describe('the announcement to Home Assistant', () => {
  it('is one retained message below its prefix, under a name that its topics admit', () => {
    const { publication } = discovery();
    expect(publication).toMatchObject({ topic: 'ha/device/spikescope-scope_1/config', retain: true });
    // Home Assistant's own pattern for the last levels of a discovery topic.
    expect(publication.topic).toMatch(/^ha\/device\/[a-zA-Z0-9_-]+\/config$/);
  });

  it('names each part once, and reads the topics that are published anyway', () => {
    const { document } = discovery('capture');
    const parts: { platform: string; unique_id: string; state_topic?: string }[] = Object.values(
      document.components,
    );
    expect(new Set(parts.map((part) => part.unique_id)).size).toBe(parts.length);
    for (const part of parts.filter(({ platform }) => platform === 'sensor')) {
      expect([topics.result, topics.label, topics.model]).toContain(part.state_topic);
    }
    expect(document.availability[0].topic).toBe(topics.status);
  });

  it('has a button only where a capture may be asked for, and its presses are commands', () => {
    expect(discovery().document.components).not.toHaveProperty('capture');
    const { capture } = discovery('capture').document.components;
    expect(capture.command_topic).toBe('spikescope/scope.1/command/capture');
    const rendered = capture.command_template.replace('{{ now().timestamp() }}', '1795249761.123456');
    expect(commandSchemas.capture.parse(JSON.parse(rendered))).toMatchObject({ id: 'ha-1795249761.123456' });
  });
});
