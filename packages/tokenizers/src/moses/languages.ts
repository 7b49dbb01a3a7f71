/** The languages Moses' rules are kept for; `generic` has the rules that hold for languages without any of their own. */
export const MOSES_LANGUAGES = ['en', 'de', 'fr', 'generic'] as const;
export type MosesLanguage = (typeof MOSES_LANGUAGES)[number];
