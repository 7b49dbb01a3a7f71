/**
 * Little stories made from a grammar and a small world: people go from place to place and carry, give, hide and find
 * things. What a later sentence may say follows from earlier ones (who holds what, who is where, who is a baker, he or
 * she), so a model gains from a longer context. Each story ends with questions about the state of its world.
 */
import { createRandom, type Random } from '@t2r/core';
import { ASIDES, COLOURS, HABITS, OBJECTS, PEOPLE, type Person, PLACES, TRADES } from './story-words.js';

interface Character extends Person {
  trade: string;
  place: string;
}

interface Thing {
  /** `red lamp` */
  name: string;
  /** Who has it, or where it lies hidden. */
  at: { holder: Character } | { place: string };
}

interface World {
  random: Random;
  cast: Character[];
  things: Thing[];
}

/**
 * Stories, one after the other with an empty line between, until `bytes` of text (all of it ASCII) are reached. The text
 * depends only on `bytes`, the seed and the split's name.
 */
export function* generateStories(bytes: number, seed: number, split: string): Generator<string> {
  const random = createRandom('stories', seed, split);
  for (let written = 0; written < bytes; ) {
    const story = `${tellStory(random)}\n\n`;
    written += story.length;
    yield story;
  }
}

function tellStory(random: Random): string {
  const places = choose(random, PLACES, 3);
  const trades = choose(random, TRADES, 3);
  const cast = choose(random, PEOPLE, 3).map((person, i) => ({ ...person, trade: trades[i]!, place: places[i]! }));
  const colours = choose(random, COLOURS, 2);
  const things = choose(random, OBJECTS, 2).map((object, i) => ({
    name: `${colours[i]} ${object}`,
    at: { holder: cast[i]! },
  }));
  const world: World = { random, cast, things };
  const sentences = [
    ...cast.map(({ name, trade, place }) => `${name} was a ${trade} and lived by the ${place}.`),
    ...cast.slice(0, 2).map(({ name }, i) => `${name} had a ${things[i]!.name}.`),
  ];
  for (let events = 5 + random.integer(5); events > 0; events--) sentences.push(...nextEvent(world));
  for (const thing of things) sentences.push(...askAboutThing(thing));
  sentences.push(...askAboutPerson(cast[random.integer(cast.length)]!));
  return sentences.join(' ');
}

function nextEvent(world: World): string[] {
  const { random, cast, things } = world;
  const actor = cast[random.integer(cast.length)]!;
  const kind = random.integer(8);
  if (kind === 0) return [pick(random, ASIDES)];
  if (kind <= 2) {
    actor.place = pick(random, PLACES);
    return [`${actor.name} went to the ${actor.place}.`, ...maybeHabit(random, actor)];
  }
  const thing = pick(random, things);
  if (kind === 3) return greet(random, actor, pick(random, cast));
  if ('place' in thing.at) return find(actor, thing, thing.at.place);
  return kind <= 5 ? give(random, thing, thing.at.holder, actor) : hide(thing, thing.at.holder);
}

function greet(random: Random, actor: Character, other: Character): string[] {
  if (actor === other) return maybeHabit(random, actor);
  actor.place = other.place;
  return [
    `${actor.name} came to the ${other.place}.`,
    `"Good day, ${other.trade}," ${actor.subject} said to ${other.name}.`,
  ];
}

function give(random: Random, thing: Thing, holder: Character, receiver: Character): string[] {
  if (holder === receiver) return [`"The ${thing.name} is mine," said ${holder.name} the ${holder.trade}.`];
  holder.place = receiver.place;
  thing.at = { holder: receiver };
  return [
    `${holder.name} met ${receiver.name} at the ${receiver.place} and gave ${receiver.object} the ${thing.name}.`,
    `"Thank you, ${holder.name}," said ${receiver.name}.`,
    ...maybeHabit(random, receiver),
  ];
}

function hide(thing: Thing, holder: Character): string[] {
  thing.at = { place: holder.place };
  return [`${holder.name} hid the ${thing.name} at the ${holder.place}.`];
}

function find(actor: Character, thing: Thing, place: string): string[] {
  actor.place = place;
  thing.at = { holder: actor };
  return [`${actor.name} the ${actor.trade} went to the ${place} and found the ${thing.name} there.`];
}

function askAboutThing({ name, at }: Thing): string[] {
  if ('place' in at) return [`Where was the ${name}?`, `The ${name} was at the ${at.place}.`];
  return [`Who had the ${name}?`, `${at.holder.name} the ${at.holder.trade} had the ${name}.`];
}

function askAboutPerson({ name, subject, place }: Character): string[] {
  return [`Where was ${name}?`, `${capital(subject)} was at the ${place}.`];
}

function maybeHabit(random: Random, { subject }: Person): string[] {
  return random.integer(2) === 0 ? [pick(random, HABITS).replace('{}', capital(subject))] : [];
}

const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1);

const pick = <T>(random: Random, from: readonly T[]): T => from[random.integer(from.length)]!;

/** Different elements of a list, in random order. */
const choose = <T>(random: Random, from: readonly T[], count: number): T[] =>
  Array.from(random.permutation(from.length).slice(0, count), (i) => from[i]!);
