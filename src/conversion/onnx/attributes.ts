import { RefusedError } from '../../errors.ts';
import type { OnnxAttribute, OnnxNode } from './decode.ts';

/** Typed access to the attributes of one node. An attribute whose value is left out has protobuf's default, 0 or empty. */
export class Attributes {
  readonly #byName: ReadonlyMap<string, OnnxAttribute>;

  constructor(node: OnnxNode) {
    this.#byName = new Map(node.attribute.map((attribute) => [attribute.name, attribute]));
  }

  get(name: string): OnnxAttribute | undefined {
    return this.#byName.get(name);
  }

  integer(name: string, otherwise: number): number {
    const attribute = this.get(name);
    return attribute === undefined ? otherwise : (attribute.i ?? 0);
  }

  float(name: string, otherwise: number): number {
    const attribute = this.get(name);
    return attribute === undefined ? otherwise : (attribute.f ?? 0);
  }

  integers(name: string): readonly number[] | undefined {
    return this.get(name)?.ints;
  }

  text(name: string, otherwise: string): string {
    const bytes = this.get(name)?.s;
    return bytes === undefined ? otherwise : Buffer.from(bytes).toString('utf8');
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
