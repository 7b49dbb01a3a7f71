/**
 * Words before a dot that does not end a sentence, per language: Moses' lists of non-breaking prefixes
 * (https://github.com/moses-smt/mosesdecoder, scripts/share/nonbreaking_prefixes). `generic` falls back to English, as there.
 */
import type { MosesLanguage } from './languages.js';

export interface NonbreakingPrefixes {
  /** The dot stays at these words before any word. */
  always: ReadonlySet<string>;
  /** The dot stays at these words before a number. */
  beforeNumber: ReadonlySet<string>;
}

const UPPER = 'A B C D E F G H I J K L M N O P Q R S T U V W X Y Z';
const LOWER = UPPER.toLowerCase();
const TITLES =
  'Adj Adm Adv Asst Bart Bldg Brig Bros Capt Cmdr Col Comdr Con Corp Cpl DR Dr Ens Gen Gov Hon Hosp Insp Lt MM MR MRS MS Maj ' +
  'Messrs Mlle Mme Mr Mrs Ms Msgr Op Ord Pfc Ph Prof Pvt Rep Reps Res Rev Rt Sen Sens Sfc Sgt Sr St Supt Surg';
const ROMAN = 'I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX';
const ORDINALS = Array.from({ length: 99 }, (_, i) => i + 1).join(' ');

const prefixes = (always: readonly string[], beforeNumber = ''): NonbreakingPrefixes => ({
  always: new Set(always.join(' ').split(' ')),
  beforeNumber: new Set(beforeNumber.split(' ')),
});

const ENGLISH = prefixes(
  [UPPER, TITLES, 'Drs Hr v vs i.e rev e.g Rs Nos Nr Jan Feb Mar Apr Jun Jul Aug Sep Oct Nov Dec'],
  'No Art pp',
);

const GERMAN = prefixes([
  UPPER,
  LOWER,
  ROMAN,
  ROMAN.toLowerCase(),
  TITLES,
  'Mio Mrd bzw vs usw d.h z.B u.a etc MwSt ggf d.J D.h m.E vgl I.F z.T sogen ff u.E g.U g.g.A c.-à-d Buchst u.s.w sog u.ä Std',
  'evtl Zt Chr u.U o.ä Ltd b.A z.Zt spp sen SA k.o jun i.H.v dgl dergl Co zzt usf s.p.a Dkr bzgl BSE No Nos Art Nr pp ca Ca',
  ORDINALS,
]);

const FRENCH = prefixes([
  UPPER,
  LOWER.slice(2),
  'A.C.N A.M art ann apr av auj lib B.P boul ca c.-à-d cf ch.-l chap contr C.P.I C.Q.F.D C.N C.N.S C.S dir éd e.g env al etc',
  'E.V ex fasc fém fig fr hab ibid id i.e inf LL.AA LL.AA.II LL.AA.RR LL.AA.SS L.D LL.EE LL.MM LL.MM.II.RR loc.cit masc MM ms',
  'N.B N.D.A N.D.L.R N.D.T n/réf NN.SS N.S N.D N.P.A.I p.c.c pl pp p.ex p.j P.S R.A.S R.-V R.P R.I.P SS S.S S.A S.A.I S.A.R',
  'S.A.S S.E sec sect sing S.M S.M.I.R sq sqq suiv sup suppl tél T.S.V.P vb vol vs X.O Z.I',
]);

export const NONBREAKING_PREFIXES: Readonly<Record<MosesLanguage, NonbreakingPrefixes>> = {
  en: ENGLISH,
  de: GERMAN,
  fr: FRENCH,
  generic: ENGLISH,
};
