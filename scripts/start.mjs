/** `npm start`: prepares what is missing, then runs the appliance with the options that follow `--`. */
import { prepare } from './prepare.mjs';

try {
  await prepare();
  const { main } = await import('../dist/cli/main.js');
  process.exitCode = await main(['run', ...process.argv.slice(2)]);
} catch (error) {
  process.stderr.write(`spikescope: ${error.message}\n`);
  process.exitCode = 1;
}
