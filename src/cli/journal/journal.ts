import { existsSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { SpikescopeError, UsageError } from '../../errors.ts';
import { defaultDataFolder } from '../../store/folder.ts';
import { verifyJournalFile } from '../../store/inspect.ts';
import { Journal } from '../../store/journal.ts';
import type { ChainHead } from '../../store/verify.ts';
import { note, print, printJson } from '../../ui/terminal/console.ts';
import { counted } from '../../ui/terminal/layout.ts';
import { headBesideMetadata } from '../../updates/trust/kept-metadata.ts';
import { exportEvidence } from './export.ts';
import { exportOptions, journalOptions, parseHead, parseSequence } from './options.ts';

/** `spikescope journal`: what can be done with a device's journal beside running it. */
export function journalCommand(): Command {
  return new Command('journal')
    .description(
      'Verify the journal of a device, have what it published sent again, or carry it off as evidence',
    )
    .addCommand(verifyCommand())
    .addCommand(resendCommand())
    .addCommand(exportCommand());
}

function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'Walk the chain of records, and name the first that was changed, is missing or cannot be read',
    )
    .option('--data <folder>', 'folder of the journal (default: $XDG_STATE_HOME/spikescope)')
    .option('--witnessed <head>', 'an earlier end of the chain, SEQUENCE:DIGEST, that must still be in it')
    .option('--json', 'the outcome as one JSON document on stdout')
    .action(async (raw: unknown) => {
      const { data, witnessed, json } = journalOptions(raw);
      const head = witnessed === undefined ? null : parseHead(witnessed);
      const file = journalOf(data);
      // What provisioning trusts was written after a record of this journal: of two that were put back, one is left.
      const provisioned = await headBesideMetadata(path.dirname(file));
      const outcome = verifyJournalFile(file, head, provisioned);
      if (json) printJson(outcome);
      else if (outcome.sound) {
        print(
          `${counted(outcome.records, 'record')}, all sound; ${counted(outcome.waiting, 'message waits', 'messages wait')} to be sent`,
        );
        print(`the chain ends at ${headOf(outcome.head)}`);
      }
      if (!outcome.sound) {
        throw new SpikescopeError('JOURNAL_BROKEN', 'The journal is not what the device wrote', {
          field: `record ${outcome.sequence}`,
          received: `it ${outcome.problem}`,
          remedy: 'keep the file, and compare it with what the broker’s receivers have',
        });
      }
    });
}

function resendCommand(): Command {
  return new Command('resend')
    .description(
      'Have results and verdicts sent again by the next run, under the same identifiers: receivers drop repeats',
    )
    .requiredOption('--from <sequence>', 'the first record to send again; 1 for all')
    .option('--data <folder>', 'folder of the journal (default: $XDG_STATE_HOME/spikescope)')
    .action((raw: unknown) => {
      const { data, from } = journalOptions(raw);
      const count = withJournal(data, (journal) => journal.requeue(parseSequence(from)));
      print(`${counted(count, 'message')} will be sent again`);
    });
}

function exportCommand(): Command {
  return new Command('export')
    .description('Copy the journal and what belongs to it into a folder of its own, with digests and signed')
    .requiredOption('--to <folder>', 'a stick or folder, in which a new one is made')
    .option('--data <folder>', 'folder of the journal (default: $XDG_STATE_HOME/spikescope)')
    .option('--key <file>', 'key of the device, PEM; it signs the list of digests')
    .option('--json', 'the outcome as one JSON document on stdout')
    .action(async (raw: unknown) => {
      const { data, to, key, json } = exportOptions(raw);
      const outcome = await exportEvidence({
        journal: journalOf(data),
        to: path.resolve(to),
        key: key ?? null,
      });
      if (json) printJson(outcome);
      else print(`${counted(outcome.files.length, 'file')} in ${outcome.folder}`);
      if (!outcome.sound) note('The journal is not what the device wrote: verification.json says where.');
    });
}

/** @throws UsageError `JOURNAL_MISSING` */
function journalOf(data: string | undefined): string {
  const file = path.join(path.resolve(data ?? defaultDataFolder()), 'journal.sqlite');
  if (!existsSync(file)) {
    throw new UsageError('JOURNAL_MISSING', 'There is no journal here', {
      file,
      remedy: 'name the folder that `run` uses with --data',
    });
  }
  return file;
}

function withJournal<T>(data: string | undefined, work: (journal: Journal) => T): T {
  const journal = Journal.open(journalOf(data));
  try {
    return work(journal);
  } finally {
    journal.close();
  }
}

function headOf({ sequence, digest }: ChainHead): string {
  return `${sequence}:${digest}`;
}
