"""Closed classes of words for the rules of attribution."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Verbs that report speech, past tense (and present, for books told in it).
SPEECH_VERBS = _words(
    """said says replied answered asked cried exclaimed continued returned observed remarked added murmured whispered
    shouted called began repeated resumed rejoined muttered inquired enquired interrupted declared suggested retorted
    explained responded went ejaculated faltered pleaded urged demanded protested sighed laughed gasped stammered
    groaned announced assented admitted agreed argued begged bellowed breathed chuckled commented concluded confessed
    corrected echoed expostulated grumbled hinted implored insisted interposed intervened moaned objected
    persisted pronounced proceeded promised pursued put questioned quoth remonstrated roared screamed shrieked snapped
    sneered sobbed soliloquized soliloquised spoke stated stuttered thought told thundered uttered ventured warned
    wondered yelled acknowledged acquiesced advised affirmed apologised apologized asserted blurted conceded croaked
    drawled grinned growled hissed joked lied mimicked mumbled mused nodded offered ordered panted piped pointed prayed
    purred
    quavered reasoned recited reminded reported requested scoffed shot smiled snarled sniffed snorted spluttered
    squealed teased volunteered wailed wept whimpered whined yawned reflected broke burst reiterated hesitated
    hastened read sang hailed invited commanded consented allowed prompted recommenced recalled rattled
    calls asks replies answers cries adds whispers murmurs continues exclaims shouts mutters observes remarks"""
)
TITLES = {
    "Mr": "m", "Sir": "m", "Lord": "m", "Master": "m", "Uncle": "m", "Father": "m", "Brother": "m", "Count": "m",
    "Baron": "m", "Duke": "m", "King": "m", "Prince": "m", "Squire": "m", "Monsieur": "m", "Rev": "m", "Don": "m",
    "Mrs": "f", "Miss": "f", "Ms": "f", "Lady": "f", "Aunt": "f", "Madame": "f", "Mademoiselle": "f", "Sister": "f",
    "Countess": "f", "Duchess": "f", "Queen": "f", "Princess": "f", "Madam": "f", "Dame": "f", "Donna": "f",
    "Granny": "f", "Farmer": "", "Dr": "", "Doctor": "", "Captain": "", "Colonel": "", "Major": "", "General": "",
    "Professor": "", "Saint": "", "St": "", "Parson": "m", "Judge": "", "Widow": "f", "Widower": "m",
}  # fmt: skip
#: Titles that cannot be one person's at one time.
EXCLUSIVE_TITLES = (frozenset({"Mr", "Mrs", "Miss", "Ms"}),)
MALE_NOUNS = _words(
    """man gentleman boy lad father papa uncle brother son husband lord fellow vicar rector parson clergyman priest king
    master squire grandfather nephew bridegroom widower youth monk butler footman coachman waiter policeman postman
    sailor captain soldier landlord host porter"""
)
FEMALE_NOUNS = _words(
    """woman lady girl mother mamma aunt sister daughter wife maid maiden mistress queen grandmother niece bride widow
    governess housekeeper matron landlady hostess housemaid nurse duchess countess princess stepmother"""
)
PARENTS = {"father": "m", "papa": "m", "dad": "m", "mother": "f", "mamma": "f", "mama": "f", "mum": "f"}
PRONOUNS = {"he": "m", "she": "f"}
#: Capitalised words that are no names, however often they stand beside a verb of speech.
NO_NAMES = _words(
    """i he she they we you it the a an and but then so if when what who why how where there here this that these those
    yes no oh ah well now his her their my your our its not never nothing all one some any both each every another
    god heaven lord sir madam chapter book part mr mrs miss dr for to in on at of as by with from or nor yet again
    english french german italian spanish latin greek american christian christmas sunday monday tuesday wednesday
    thursday friday saturday january february march april may june july august september october november december good
    having being after before perhaps indeed come let do don go look only just even still thus once at is was were
    had has have
    did does will would shall should may might can could must thank papa mamma"""
)
#: Words that open a heading, a direction or a note, never the line of a person in a script.
NO_SPEAKERS = _words(
    """act scene scena chapter book part volume canto letter prologue epilogue interlude curtain tableau time place
    note notes notice characters persons cast dramatis setting enter exit exeunt end finis contents preface
    introduction illustration footnote author title language release produced transcriber"""
)
#: Names by which a script means several people.
SEVERAL_PEOPLE = _words("all both everybody everyone together voices several others chorus omnes they we")
