import { SpikescopeError } from '../../../errors.ts';

/** Registers the backend with tfjs, once. @returns its name in tfjs */
export function registerTorchBackend(): string {
  throw new SpikescopeError('TORCH_ADDON_MISSING', 'The libtorch addon is not built', {
    remedy: 'sudo apt-get install libtorch-dev && npm run build',
  });
}
