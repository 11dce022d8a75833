import { RefusedError } from '../../errors.ts';
import type { OnnxAttribute, OnnxNode } from './decode.ts';

/** Typed access to the attributes of one node. An attribute whose value is left out has protobuf's default, 0 or empty. */
export class Attributes {
  readonly #label: string;
  readonly #byName: ReadonlyMap<string, OnnxAttribute>;

  /** `label` names the node in messages. */
  constructor(node: OnnxNode, label: string) {
    this.#label = label;
    this.#byName = new Map(node.attribute.map((attribute) => [attribute.name, attribute]));
  }

  get(name: string): OnnxAttribute | undefined {
    return this.#byName.get(name);
  }

  integer(name: string, otherwise: number): number {
    const attribute = this.get(name);
    return attribute === undefined ? otherwise : (attribute.i ?? 0);
  }

  /** @throws RefusedError `ONNX_NOT_FINITE` */
  float(name: string, otherwise: number): number {
    return this.#number(name, otherwise, Number.isFinite);
  }

  /** May be infinite. @throws RefusedError `ONNX_NOT_FINITE` where it is no number */
  bound(name: string, otherwise: number): number {
    return this.#number(name, otherwise, (value) => !Number.isNaN(value));
  }

  integers(name: string): readonly number[] | undefined {
    return this.get(name)?.ints;
  }

  text(name: string, otherwise: string): string {
    const bytes = this.get(name)?.s;
    return bytes === undefined ? otherwise : Buffer.from(bytes).toString('utf8');
  }

  #number(name: string, otherwise: number, accepts: (value: number) => boolean): number {
    const attribute = this.get(name);
    if (attribute === undefined) return otherwise;
    const value = attribute.f ?? 0;
    if (accepts(value)) return value;
    throw new RefusedError('ONNX_NOT_FINITE', 'An attribute is not a finite number', {
      node: this.#label,
      field: name,
      received: `${value}`,
      remedy: 'the training diverged or the file is damaged; export a sound checkpoint',
    });
  }

  /** @throws RefusedError `ONNX_ATTRIBUTE` unless the attribute is absent or has this value */
  requireInteger(node: string, name: string, value: number, remedy: string): void {
    const received = this.integer(name, value);
    if (received !== value) {
      throw new RefusedError('ONNX_ATTRIBUTE', `The converter takes ${name} = ${value} only`, {
        node,
        field: name,
        expected: `${value}`,
        received: `${received}`,
        remedy,
      });
    }
  }
}
