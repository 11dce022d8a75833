/** Whoever stands at the device, over MQTT: presses, and now and then says what a lesion was. */
import { randomUUID } from 'node:crypto';

const LABELS = ['nv', 'mel', 'bcc', 'bkl'];
/** A press that nothing came of is repeated: the device may have been cut off in the middle. */
const PATIENCE_MS = 20_000;

export class Operator {
  /** Readings that are confirmed, or corrected. */
  #teaches = false;
  #isActive = false;
  #lastHeard = 0;
  #labels = 0;
  /** @type {ReturnType<typeof setInterval>} */
  #timer;

  /** @param {import('mqtt').MqttClient} client @param {string} device as topics name it */
  constructor(client, device) {
    this.client = client;
    this.base = `spikescope/${device}`;
    client.on('message', (topic, payload) => this.#hear(topic, payload.toString()));
    this.#timer = setInterval(() => {
      if (this.#isActive && performance.now() - this.#lastHeard > PATIENCE_MS) this.#press();
    }, 1000);
  }

  /** Captures one after the other from now on. @param {{ teaches: boolean }} how */
  work({ teaches }) {
    this.#teaches = teaches;
    this.#isActive = true;
    this.#press();
  }

  /** Has the device look for an update. */
  update() {
    this.#send('update', {});
  }

  rest() {
    this.#isActive = false;
  }

  close() {
    this.rest();
    clearInterval(this.#timer);
  }

  #press() {
    this.#send('capture', {});
  }

  /** @param {string} topic @param {string} text */
  #hear(topic, text) {
    if (!this.#isActive || !topic.startsWith(`${this.base}/`)) return;
    const kind = topic.slice(this.base.length + 1);
    if (kind === 'result') {
      const { id, accepted } = JSON.parse(text);
      if (this.#teaches && accepted)
        this.#send('label', { result: id, label: LABELS[this.#labels++ % LABELS.length] });
      else this.#press();
    }
    if (kind === 'response' && JSON.parse(text).command === 'label') this.#press();
  }

  /** @param {string} name @param {object} more */
  #send(name, more) {
    this.#lastHeard = performance.now();
    const command = { schema: 'spikescope/command/1', id: randomUUID(), ...more };
    this.client.publish(`${this.base}/command/${name}`, JSON.stringify(command), { qos: 1 });
  }
}
