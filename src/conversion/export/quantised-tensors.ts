/** The uint8 tensors of a QDQ graph, and the ways between them and real values. */
import type { ActivationTensor, Clamp } from '../../model/graph.ts';
import type { FloatClamp } from '../float/graph.ts';
import { asMap, asVector, clamped, type Placed } from './operators.ts';
import type { OnnxWriter } from './writer.ts';

export class QuantisedTensors {
  readonly #writer: OnnxWriter;
  readonly #specifications: ReadonlyMap<string, ActivationTensor>;
  readonly #stored = new Map<string, Placed>();
  readonly #parameters = new Map<string, readonly [scale: string, zeroPoint: string]>();

  constructor(writer: OnnxWriter, specifications: ReadonlyMap<string, ActivationTensor>) {
    this.#writer = writer;
    this.#specifications = specifications;
  }

  /** Shape and quantisation of a tensor of the integer graph. */
  specification(tensor: string): ActivationTensor {
    return lookUp(this.#specifications, tensor);
  }

  /** The tensor in uint8. */
  stored(tensor: string): Placed {
    return lookUp(this.#stored, tensor);
  }

  store(tensor: string, placed: Placed): void {
    this.#stored.set(tensor, placed);
  }

  /** The tensor's real values, behind a DequantizeLinear. @returns their name */
  real(tensor: string, form: Placed['form'] = 'map'): string {
    const stored = this.stored(tensor);
    const { name } = form === 'map' ? asMap(this.#writer, stored) : asVector(this.#writer, stored);
    return this.#writer.node('DequantizeLinear', `${name}/real`, [name, ...this.#parametersOf(tensor)]);
  }

  /** Brings real values within the clamp and to uint8. */
  quantise(tensor: string, real: string, clamp: Clamp | null, form: Placed['form'] = 'map'): void {
    const bounded = clamped(this.#writer, `${tensor}/clamped`, real, this.#boundsOf(tensor, clamp));
    const parameters = this.#parametersOf(tensor);
    const name = this.#writer.node('QuantizeLinear', `${tensor}/uint8`, [bounded, ...parameters]);
    this.store(tensor, { name, shape: this.specification(tensor).shape, form });
  }

  /** Null where the clamp is uint8's own range. */
  #boundsOf(tensor: string, clamp: Clamp | null): FloatClamp | null {
    if (clamp === null || (clamp.minimum === 0 && clamp.maximum === 255)) return null;
    const { scale, zeroPoint } = this.specification(tensor).quantisation;
    return { minimum: (clamp.minimum - zeroPoint) * scale, maximum: (clamp.maximum - zeroPoint) * scale };
  }

  #parametersOf(tensor: string): readonly [string, string] {
    const known = this.#parameters.get(tensor);
    if (known !== undefined) return known;
    const { scale, zeroPoint } = this.specification(tensor).quantisation;
    const parameters = [
      this.#writer.floats(`${tensor}/scale`, [], [scale]),
      this.#writer.constant(`${tensor}/zero_point`, [], Uint8Array.of(zeroPoint)),
    ] as const;
    this.#parameters.set(tensor, parameters);
    return parameters;
  }
}

function lookUp<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new RangeError(`No tensor is named ${name}`);
  return value;
}
