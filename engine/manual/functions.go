package manual

// Example is an expression and what it gives, as an expression too. The tests
// evaluate both.
type Example struct{ Expr, Gives string }

// Function is a function of expressions, or an operator.
type Function struct {
	Name string // size, math.greatest
	Says string // one sentence
	Example
}

// Group are functions that belong together.
type Group struct {
	Title, Says string
	Functions   []Function
}

// Groups are all operators and functions that expressions may use.
func Groups() []Group {
	return []Group{
		operators(), loops(), conversions(), optionals(), // CEL itself
		texts(), lists(), numbers(), times(), encodings(), // CEL's extensions, and lists of Kubernetes
		quantities(), versions(), addresses(), urls(), formats(), // Kubernetes
	}
}

func fn(name, says, expr, gives string) Function {
	return Function{Name: name, Says: says, Example: Example{expr, gives}}
}

func operators() Group {
	return Group{"Operators", "Both sides of a comparison and of arithmetic have the same type; whole and decimal numbers compare with each other.", []Function{
		fn("==, !=", "Equal, and not equal.", `[1, 2] == [1, 2]`, `true`),
		fn("<, <=, >, >=", "Order of numbers, texts, durations and times.", `duration('90s') > duration('1m')`, `true`),
		fn("+", "Adds numbers and durations, joins texts and lists.", `'web-' + string(1)`, `'web-1'`),
		fn("-", "Subtracts numbers, durations and times.", `duration('3m') - duration('30s')`, `duration('150s')`),
		fn("*, /, %", "Multiplies, divides (whole numbers stay whole) and gives the rest.", `7 / 2 + 7 % 2`, `4`),
		fn("&&, ||, !", "And, or, not.", `!false && (true || false)`, `true`),
		fn("? :", "One of two values.", `2 > 1 ? 'more' : 'less'`, `'more'`),
		fn("in", "Whether a list has a value, or a mapping a name.", `'b' in ['a', 'b']`, `true`),
		fn("[ ]", "The item of a list, from 0, or the value of a mapping.", `{'app.kubernetes.io/name': 'web'}['app.kubernetes.io/name']`, `'web'`),
		fn(".", "A field; one with other characters stands in backticks.", "{'a-b': 1}.`a-b`", `1`),
		fn(".?", "A field that may not be there: an optional value.", `{'a': 1}.?b.orValue(0)`, `0`),
		fn("[? ]", "An item that may not be there: an optional value.", `[1, 2][?5].hasValue()`, `false`),
	}}
}

func loops() Group {
	return Group{"Loops and names", "They take a name for each item, and an expression over that name.", []Function{
		fn("has", "Whether a field is there.", `has({'phase': 'Running'}.phase)`, `true`),
		fn("all", "Whether a condition holds for every item.", `[1, 2, 3].all(n, n > 0)`, `true`),
		fn("exists", "Whether a condition holds for at least one item.", `[1, 2, 3].exists(n, n > 2)`, `true`),
		fn("exists_one", "Whether a condition holds for exactly one item.", `[1, 2, 3].exists_one(n, n > 2)`, `true`),
		fn("existsOne", "The same as exists_one; it also takes two names: index and item, or name and value.", `['a', 'b'].existsOne(i, v, i == 1 && v == 'b')`, `true`),
		fn("filter", "The items for which a condition holds.", `[1, 2, 3].filter(n, n > 1)`, `[2, 3]`),
		fn("map", "A value for each item; with three arguments only for those that meet a condition.", `[1, 2, 3].map(n, n > 1, n * 10)`, `[20, 30]`),
		fn("transformList", "A list of values, from index and item, or name and value.", `['a', 'b'].transformList(i, v, v + string(i))`, `['a0', 'b1']`),
		fn("transformMap", "A mapping with other values.", `{'a': 1}.transformMap(k, v, v + 1)`, `{'a': 2}`),
		fn("transformMapEntry", "A mapping with other names and values.", `{'a': 'b'}.transformMapEntry(k, v, {v: k})`, `{'b': 'a'}`),
		fn("sortBy", "The items in the order of a value of each.", `['ccc', 'a', 'bb'].sortBy(s, s.size())`, `['a', 'bb', 'ccc']`),
		fn("cel.bind", "Gives a value a name.", `cel.bind(n, [1, 2, 3].size(), n > 2 && n < 5)`, `true`),
	}}
}

func conversions() Group {
	return Group{"Types and conversions", "", []Function{
		fn("bool", "A text as true or false.", `bool('true')`, `true`),
		fn("bytes", "The bytes of a text, in UTF-8.", `bytes('web').size()`, `3`),
		fn("double", "A decimal number.", `double('2.5') + double(1)`, `3.5`),
		fn("int", "A whole number; of a time the seconds since 1970; of a duration its nanoseconds.", `int('42') + int(3.9)`, `45`),
		fn("uint", "A whole number that is never negative.", `uint(5) == uint('5')`, `true`),
		fn("string", "A text.", `string(1.5) + string(true)`, `'1.5true'`),
		fn("duration", "A duration: ns, us, ms, s, m and h.", `duration('1h30m') == duration('90m')`, `true`),
		fn("timestamp", "A point in time, in RFC 3339.", `timestamp('2026-01-31T12:00:00Z') + duration('12h')`, `timestamp('2026-02-01T00:00:00Z')`),
		fn("type", "The type of a value.", `type(1) == int`, `true`),
		fn("dyn", "The same value, of any type: it compares with everything.", `dyn(1) == 1.0`, `true`),
	}}
}

func optionals() Group {
	return Group{"Optional values", "What .? and [? ] give: a value, or nothing.", []Function{
		fn("hasValue", "Whether there is a value.", `{'a': 1}.?a.hasValue()`, `true`),
		fn("value", "The value; nothing is an error.", `{'a': 1}.?a.value()`, `1`),
		fn("or", "This one, or another when there is nothing.", `optional.none().or(optional.of(2)).value()`, `2`),
		fn("orValue", "The value, or another when there is nothing.", `{'a': 1}.?b.orValue(7)`, `7`),
		fn("optMap", "Computes with the value when there is one.", `{'a': 1}.?a.optMap(x, x + 1).orValue(0)`, `2`),
		fn("optFlatMap", "The same, with an expression that gives an optional value.", `{'a': {'b': 1}}.?a.optFlatMap(x, x.?b).orValue(0)`, `1`),
		fn("optional.of", "An optional value from a value.", `optional.of('x').hasValue()`, `true`),
		fn("optional.none", "Nothing.", `optional.none().hasValue()`, `false`),
		fn("optional.ofNonZeroValue", "Nothing for 0, '' and what is empty.", `optional.ofNonZeroValue('').hasValue()`, `false`),
		fn("optional.unwrap", "The values of a list of optional values.", `optional.unwrap([optional.of(1), optional.none()])`, `[1]`),
		fn("unwrapOpt", "The same, written behind the list.", `[optional.of(1), optional.none()].unwrapOpt()`, `[1]`),
	}}
}
