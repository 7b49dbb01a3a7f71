/** The words the synthetic stories are made of. */

export interface Person {
  name: string;
  subject: 'she' | 'he';
  object: 'her' | 'him';
}

const she =
  'Ada Anna Bella Clara Dora Edith Ella Flora Greta Hanna Ida Iris Julia Lena Lucy Mara Mira Nora Olga Rosa Ruth Sara Tilda Vera';
const he =
  'Adam Albert Arthur Boris Carl David Emil Felix Frank George Hugo Ivan Jacob Leo Martin Max Oscar Otto Paul Peter Robert Simon Tom Victor';

export const PEOPLE: readonly Person[] = [
  ...she.split(' ').map((name) => ({ name, subject: 'she', object: 'her' }) as const),
  ...he.split(' ').map((name) => ({ name, subject: 'he', object: 'him' }) as const),
];

export const TRADES: readonly string[] =
  'baker carpenter cook doctor farmer fisher gardener miller painter potter sailor shepherd singer smith tailor teacher weaver'.split(
    ' ',
  );

export const PLACES: readonly string[] =
  'barn bridge castle church farm forest garden harbour hill inn island kitchen lake library market meadow mill orchard river school shop square station tower valley well'.split(
    ' ',
  );

export const COLOURS: readonly string[] = 'black blue brown golden green grey purple red silver white yellow'.split(
  ' ',
);

export const OBJECTS: readonly string[] =
  'basket bell book bottle box candle cloak coin cup drum flute hat kite knife lamp letter map mirror ring rope scarf shell spoon stone'.split(
    ' ',
  );

/** What comes between the events and changes nothing. */
export const ASIDES: readonly string[] = [
  'It began to rain.',
  'The sun was warm that day.',
  'A dog was barking far away.',
  'The next morning the wind was cold.',
  'In the evening the moon came out.',
  'Nobody knew what would happen next.',
  'The birds were singing in the trees.',
  'After that it was quiet for a while.',
  'Many days went by.',
  'Snow fell during the night.',
];

/** What a person does alone; `{}` is the pronoun. */
export const HABITS: readonly string[] = [
  '{} sat down and ate some bread.',
  '{} was tired and slept for an hour.',
  '{} sang an old song.',
  '{} looked around and smiled.',
  '{} was thinking about the summer.',
  '{} drank a little water.',
  '{} wished for a good fire.',
  '{} had walked a long way.',
];
