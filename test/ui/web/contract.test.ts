import { describe, expect, it } from 'vitest';
import { isSnomedConcept } from '../../../src/model/bundle/snomed.ts';
import { FLOW_STATES } from '../../../src/runtime/appliance/flow/machine.ts';
import { BODY_SITE_CODES, bodySiteOf } from '../../../src/telehealth/patient-context.ts';
import { reason2Schema } from '../../../src/telehealth/result.ts';
import { flowStateSchema, identifierSchema } from '../../../src/ui/web/contract.ts';
import { BODY_SITES, RETAKE_KEYS } from '../../../src/ui/web/words.ts';

describe('what server and page say to each other', () => {
  it('knows every state of the flow, every reason of a retake and every place of the body, and no other', () => {
    expect(flowStateSchema.options).toEqual([...FLOW_STATES]);
    expect([...RETAKE_KEYS].sort()).toEqual([...reason2Schema.options].sort());
    expect([...BODY_SITES].sort()).toEqual(Object.keys(BODY_SITE_CODES).sort());
  });

  it('sends places of the body as concepts of SNOMED CT, each another', () => {
    const codes = Object.values(BODY_SITE_CODES);
    expect(codes.filter((code) => !isSnomedConcept(code))).toEqual([]);
    expect(new Set(codes).size).toBe(codes.length);
    for (const site of BODY_SITES) expect(bodySiteOf(BODY_SITE_CODES[site])).toBe(site);
    expect(bodySiteOf('123037004')).toBeNull();
  });

  it.each(['Anna Schmidt', '', ' 17', 'a\nb', 'x'.repeat(65), '<b>', 'Müller'])(
    'takes %j for no pseudonym',
    (text) => {
      expect(identifierSchema.safeParse(text).success).toBe(false);
    },
  );
});
