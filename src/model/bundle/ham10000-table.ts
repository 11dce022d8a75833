/**
 * HAM10000's seven classes, for bundles that say nothing of theirs and for new ones. A code stands here where it could be
 * confirmed and does not name only a part of its class: `akiec` is actinic keratosis or Bowen's disease, `bkl` seborrhoeic
 * keratosis, solar lentigo or lichen-planus-like keratosis, `vasc` angioma, angiokeratoma, pyogenic granuloma or
 * haemorrhage.
 */
import type { ClassEntry } from './class-table-section.ts';

export const HAM10000_TABLE: readonly ClassEntry[] = [
  {
    code: 'akiec',
    names: {
      en: 'actinic keratosis or Bowen’s disease',
      de: 'aktinische Keratose oder Morbus Bowen',
      fr: 'kératose actinique ou maladie de Bowen',
      es: 'queratosis actínica o enfermedad de Bowen',
      pt: 'queratose actínica ou doença de Bowen',
    },
    risk: 'premalignant',
  },
  {
    code: 'bcc',
    names: {
      en: 'basal cell carcinoma',
      de: 'Basalzellkarzinom',
      fr: 'carcinome basocellulaire',
      es: 'carcinoma basocelular',
      pt: 'carcinoma basocelular',
    },
    risk: 'malignant',
    snomed: '254701007',
    icd10: 'C44.9',
  },
  {
    code: 'bkl',
    names: {
      en: 'benign keratosis',
      de: 'gutartige Keratose',
      fr: 'kératose bénigne',
      es: 'queratosis benigna',
      pt: 'queratose benigna',
    },
    risk: 'benign',
  },
  {
    code: 'df',
    names: {
      en: 'dermatofibroma',
      de: 'Dermatofibrom',
      fr: 'dermatofibrome',
      es: 'dermatofibroma',
      pt: 'dermatofibroma',
    },
    risk: 'benign',
    icd10: 'D23.9',
  },
  {
    code: 'mel',
    names: { en: 'melanoma', de: 'Melanom', fr: 'mélanome', es: 'melanoma', pt: 'melanoma' },
    risk: 'malignant',
    snomed: '93655004',
    icd10: 'C43.9',
    watched: true,
  },
  {
    code: 'nv',
    names: {
      en: 'melanocytic naevus',
      de: 'melanozytärer Nävus',
      fr: 'nævus mélanocytaire',
      es: 'nevo melanocítico',
      pt: 'nevo melanocítico',
    },
    risk: 'benign',
    snomed: '400010006',
    icd10: 'D22.9',
  },
  {
    code: 'vasc',
    names: {
      en: 'vascular lesion',
      de: 'Gefäßläsion',
      fr: 'lésion vasculaire',
      es: 'lesión vascular',
      pt: 'lesão vascular',
    },
    risk: 'benign',
  },
];
