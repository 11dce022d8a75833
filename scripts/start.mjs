/** `npm start`: prepares what is missing, then runs the appliance with the options that follow `--`. */
import { prepare } from './prepare.mjs';
import { messageOf, say } from './support/programs.mjs';

try {
  await prepare();
  const { main } = await import('../dist/cli/main.js');
  process.exitCode = await main(['run', ...process.argv.slice(2)]);
} catch (error) {
  say(`spikescope: ${messageOf(error)}`);
  process.exitCode = 1;
}
