/** Milliseconds that the light is on, and off. */
const BLINK = 1_000;

/** What the status light says: lit while the device is at work; blinking while it rests and an update is under way. */
export class StatusLight {
  readonly #set: (isOn: boolean) => void;
  #isBusy = false;
  #isUpdating = false;
  #blinking: NodeJS.Timeout | null = null;

  constructor(set: (isOn: boolean) => void) {
    this.#set = set;
  }

  busy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    this.#show();
  }

  updating(isUpdating: boolean): void {
    this.#isUpdating = isUpdating;
    this.#show();
  }

  stop(): void {
    if (this.#blinking !== null) clearInterval(this.#blinking);
    this.#blinking = null;
  }

  #show(): void {
    if (this.#isUpdating && !this.#isBusy) {
      if (this.#blinking === null) this.#blink();
      return;
    }
    this.stop();
    this.#set(this.#isBusy);
  }

  #blink(): void {
    let isOn = true;
    this.#set(isOn);
    this.#blinking = setInterval(() => {
      isOn = !isOn;
      this.#set(isOn);
    }, BLINK);
    this.#blinking.unref();
  }
}
