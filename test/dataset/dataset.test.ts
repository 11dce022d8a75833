import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { loadDataset, samplesOf } from '../../src/dataset/dataset.ts';

const CLASSES = ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'];
const METADATA = [
  'lesion_id,image_id,dx,dx_type,age,sex,localization',
  'HAM_1,ISIC_1,nv,histo,80.0,male,scalp',
  'HAM_1,ISIC_2,nv,histo,80.0,male,scalp',
  'HAM_2,ISIC_3,mel,histo,,female,back',
].join('\n');
const SPLIT =
  'image_id,lesion_id,dx,split\nISIC_1,HAM_1,nv,train\nISIC_2,HAM_1,nv,train\nISIC_3,HAM_2,mel,test\n';

const folders: string[] = [];
let folder: string;

async function put(name: string, content = 'picture'): Promise<void> {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
}

async function putImages(): Promise<void> {
  await put('part_1/ISIC_1.jpg', 'one');
  await put('part_2/deeper/ISIC_2.JPEG', 'two');
  await put('ISIC_3.png', 'three');
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dataset-'));
  folders.push(folder);
});
afterAll(() => Promise.all(folders.map((name) => rm(name, { recursive: true }))));

describe('a data set in HAM10000’s layout', () => {
  it('says of each image what its metadata do, and nothing where these say that they do not know', async () => {
    await putImages();
    await put(
      'HAM10000_metadata.csv',
      [
        'image_id,dx,age,sex,localization,dataset',
        'ISIC_1,nv,80.0,male,Lower Extremity,vidir_modern',
        'ISIC_2,nv,,unknown,unknown,',
        'ISIC_3,mel,old,N/A,,rosendahl',
      ].join('\n'),
    );
    const { samples } = await loadDataset(folder, CLASSES);
    expect(samples.map(({ attributes }) => attributes)).toEqual([
      { age: 80, sex: 'male', bodySite: 'lower extremity', acquisitionSite: 'vidir_modern' },
      undefined,
      { age: null, sex: null, bodySite: null, acquisitionSite: 'rosendahl' },
    ]);
  });

  it('is found in any nesting, with its metadata and the split beside it', async () => {
    await putImages();
    await put('HAM10000_metadata.csv', METADATA);
    await put('split_lesion.csv', SPLIT);
    const dataset = await loadDataset(folder, CLASSES);
    expect(
      dataset.samples.map(({ imageId, label, lesionId, split }) => [imageId, label, lesionId, split]),
    ).toEqual([
      ['ISIC_1', 5, 'HAM_1', 'train'],
      ['ISIC_2', 5, 'HAM_1', 'train'],
      ['ISIC_3', 4, 'HAM_2', 'test'],
    ]);
    expect(dataset).toMatchObject({
      missing: [],
      protocol: 'lesion',
      splitFile: path.join(folder, 'split_lesion.csv'),
    });
    expect(samplesOf(dataset, 'test').map(({ file }) => path.basename(file))).toEqual(['ISIC_3.png']);
    expect(samplesOf(dataset, 'all')).toHaveLength(3);
  });

  it('may bring a labels.csv, a byte order mark and Windows line ends', async () => {
    await putImages();
    await put('labels.csv', '\ufeffimage_id,lesion_id,dx\r\nISIC_1,HAM_1,NV\r\nISIC_3,HAM_2,mel\r\n');
    const dataset = await loadDataset(folder, CLASSES);
    expect(dataset.samples.map(({ imageId, label }) => [imageId, label])).toEqual([
      ['ISIC_1', 5],
      ['ISIC_3', 4],
    ]);
  });

  it('takes another split file on request', async () => {
    await putImages();
    await put('HAM10000_metadata.csv', METADATA);
    await put('split_lesion.csv', SPLIT);
    await put('elsewhere/mine.csv', 'image_id,split\nISIC_1,val\n');
    const dataset = await loadDataset(folder, CLASSES, path.join(folder, 'elsewhere/mine.csv'));
    expect(dataset.samples.map(({ split }) => split)).toEqual(['val', null, null]);
  });

  it('may carry the split in its only CSV', async () => {
    await putImages();
    await put('split_lesion.csv', SPLIT);
    expect(samplesOf(await loadDataset(folder, CLASSES), 'train')).toHaveLength(2);
  });

  it('does not take lesion masks, hidden folders or other files for photographs', async () => {
    await putImages();
    await put('HAM10000_metadata.csv', METADATA);
    await put('masks/ISIC_1.png', 'mask');
    await put('HAM10000_segmentations_lesion/ISIC_2.png', 'mask');
    await put('.thumbnails/ISIC_3.png', 'thumbnail');
    await put('notes/ISIC_1.txt', 'note');
    const dataset = await loadDataset(folder, CLASSES);
    expect(dataset.samples.map(({ file }) => path.relative(folder, file))).toEqual([
      'part_1/ISIC_1.jpg',
      'part_2/deeper/ISIC_2.JPEG',
      'ISIC_3.png',
    ]);
  });

  it('counts a picture once that lies there twice, byte for byte', async () => {
    await putImages();
    await put('copy/ISIC_1.jpg', 'one');
    await put('HAM10000_metadata.csv', METADATA);
    expect((await loadDataset(folder, CLASSES)).samples).toHaveLength(3);
  });

  it('follows links, and is not led round in circles', async () => {
    await put('elsewhere/ISIC_1.jpg', 'one');
    await mkdir(path.join(folder, 'set'));
    await symlink(path.join(folder, 'elsewhere'), path.join(folder, 'set/images'));
    await symlink(path.join(folder, 'set'), path.join(folder, 'set/again'));
    await symlink('nowhere', path.join(folder, 'set/dead'));
    await put('set/labels.csv', 'image_id,dx\nISIC_1,nv\n');
    const dataset = await loadDataset(path.join(folder, 'set'), CLASSES);
    expect(dataset.samples.map(({ lesionId }) => lesionId)).toEqual([null]);
    expect(dataset.protocol).toBe('image');
  });

  it('names the images that are missing and goes on without them', async () => {
    await put('ISIC_3.png');
    await put('HAM10000_metadata.csv', METADATA);
    const { samples, missing } = await loadDataset(folder, CLASSES);
    expect(samples.map(({ imageId }) => imageId)).toEqual(['ISIC_3']);
    expect(missing.map(({ imageId }) => imageId)).toEqual(['ISIC_1', 'ISIC_2']);
  });

  it('loses the lesion protocol when a lesion lies in two splits', async () => {
    await putImages();
    await put('HAM10000_metadata.csv', METADATA);
    await put('split_lesion.csv', 'image_id,split\nISIC_1,train\nISIC_2,test\nISIC_3,val\n');
    expect((await loadDataset(folder, CLASSES)).protocol).toBe('image');
  });
});

describe('a data set that cannot be used', () => {
  const cases: [string, string, number, Record<string, string>][] = [
    ['no CSV', 'DATASET_METADATA', 3, {}],
    ['a CSV without dx', 'DATASET_METADATA', 3, { 'a.csv': 'image_id,diagnosis\nISIC_1,nv\n' }],
    ['two possible CSVs', 'DATASET_METADATA', 3, { 'a.csv': METADATA, 'b.csv': METADATA }],
    ['an empty CSV', 'DATASET_METADATA', 3, { 'a.csv': '' }],
    ['an unknown class', 'DATASET_UNKNOWN_CLASS', 3, { 'a.csv': 'image_id,dx\nISIC_1,wart\n' }],
    [
      'an image listed twice',
      'DATASET_DUPLICATE_ROW',
      3,
      { 'a.csv': 'image_id,dx\nISIC_1,nv\nISIC_1,mel\n' },
    ],
    ['an empty identifier', 'DATASET_ROW', 3, { 'a.csv': 'image_id,dx\n,nv\n' }],
    ['a short line', 'DATASET_CSV', 3, { 'a.csv': 'image_id,dx\nISIC_1\n' }],
    ['an open quote', 'DATASET_CSV', 3, { 'a.csv': 'image_id,dx\n"ISIC_1,nv\n' }],
    ['none of its images', 'DATASET_NO_IMAGES', 3, { 'a.csv': 'image_id,dx\nISIC_9,nv\n' }],
    [
      'an unknown split',
      'DATASET_ROW',
      3,
      { 'a.csv': METADATA, 'split_lesion.csv': 'image_id,split\nISIC_1,dev\n' },
    ],
    [
      'a split file without split',
      'DATASET_COLUMNS',
      3,
      { 'a.csv': METADATA, 'split_lesion.csv': 'image_id,fold\nISIC_1,2\n' },
    ],
    ['two images of one name', 'DATASET_DUPLICATE_IMAGE', 3, { 'a.csv': METADATA, 'ISIC_1.png': 'another' }],
  ];

  it.each(cases)('because of %s is refused as %s', async (_, code, exitCode, files) => {
    await putImages();
    for (const [name, content] of Object.entries(files)) await put(name, content);
    const error = await loadDataset(folder, CLASSES).then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(error).toMatchObject({ code, exitCode });
    expect(String(error)).not.toContain('undefined');
  });

  it('because the folder is not there is wrong usage', async () => {
    await expect(loadDataset(path.join(folder, 'nowhere'), CLASSES)).rejects.toMatchObject({
      code: 'DATASET_FOLDER',
      exitCode: 2,
    });
  });

  it('because nothing says what the split is tells how to mend it', async () => {
    await putImages();
    await put('HAM10000_metadata.csv', METADATA);
    const dataset = await loadDataset(folder, CLASSES);
    expect(() => samplesOf(dataset, 'test')).toThrow(
      expect.objectContaining({ code: 'DATASET_NO_SPLIT', exitCode: 2 }),
    );
    try {
      samplesOf(dataset, 'test');
    } catch (error) {
      expect(error).toMatchObject({ details: { remedy: expect.stringContaining('--split all') } });
    }
  });

  it('because the split is empty says so', async () => {
    await putImages();
    await put('HAM10000_metadata.csv', METADATA);
    await put('split_lesion.csv', SPLIT);
    const dataset = await loadDataset(folder, CLASSES);
    expect(() => samplesOf(dataset, 'val')).toThrow(expect.objectContaining({ code: 'DATASET_EMPTY_SPLIT' }));
  });
});

const real = process.env.SPIKESCOPE_DATA ?? '../shared';

describe.skipIf(!existsSync(path.join(real, 'ham10000')))('the real data', () => {
  it('loads: 10,015 images, split by lesion', async () => {
    const dataset = await loadDataset(path.join(real, 'ham10000'), CLASSES);
    expect(dataset).toMatchObject({ protocol: 'lesion', missing: [] });
    expect(
      (['train', 'val', 'test', 'all'] as const).map((split) => samplesOf(dataset, split).length),
    ).toEqual([6967, 1028, 2020, 10_015]);
  });

  it('loads at full size: 177 images, with the split of the small ones on request', async () => {
    const own = await loadDataset(path.join(real, 'ham10000-fullsize'), CLASSES);
    expect(own.samples).toHaveLength(177);
    const shared = await loadDataset(
      path.join(real, 'ham10000-fullsize'),
      CLASSES,
      path.join(real, 'ham10000/split_lesion.csv'),
    );
    expect(samplesOf(shared, 'test').length).toBeGreaterThan(0);
  });
});
