package manual

func texts() Group {
	return Group{"Texts", "Positions count characters, from 0.", []Function{
		fn("size", "The length of a text, list or mapping.", `'Köln'.size() + [1, 2].size()`, `6`),
		fn("contains", "Whether a text has a part.", `'web-1'.contains('b-')`, `true`),
		fn("startsWith", "Whether a text begins with a part.", `'web-1'.startsWith('web')`, `true`),
		fn("endsWith", "Whether a text ends with a part.", `'web-1'.endsWith('1')`, `true`),
		fn("matches", "Whether a regular expression (RE2) is found in a text.", `'web-12'.matches('^web-[0-9]+$')`, `true`),
		fn("find", "The first part that a regular expression finds, or ''.", `'web-12'.find('[0-9]+')`, `'12'`),
		fn("findAll", "All such parts, or the first few.", `'1 22 333'.findAll('[0-9]+', 2)`, `['1', '22']`),
		fn("charAt", "The character at a position.", `'web'.charAt(1)`, `'e'`),
		fn("indexOf", "The position of a part or item, or -1.", `'web-web'.indexOf('web', 1)`, `4`),
		fn("lastIndexOf", "The last such position, or -1.", `'web-web'.lastIndexOf('web')`, `4`),
		fn("substring", "The part from one position to before another.", `'web-1'.substring(0, 3)`, `'web'`),
		fn("replace", "A text with parts replaced, all or the first few.", `'a-b-c'.replace('-', '.', 1)`, `'a.b-c'`),
		fn("split", "The parts between separators.", `'a,b'.split(',')`, `['a', 'b']`),
		fn("join", "The texts of a list, with a separator.", `['a', 'b'].join(', ')`, `'a, b'`),
		fn("trim", "A text without space around it.", `'  web '.trim()`, `'web'`),
		fn("lowerAscii", "A text with a-z for A-Z.", `'Web'.lowerAscii()`, `'web'`),
		fn("upperAscii", "A text with A-Z for a-z.", `'Web'.upperAscii()`, `'WEB'`),
		fn("reverse", "A text or list backwards.", `'abc'.reverse()`, `'cba'`),
		fn("format", "Fills values into a text: %s any, %d whole, %.2f decimal, %x hexadecimal.", `'%s has %d pods, %.1f%%'.format(['web', 3, 12.5])`, `'web has 3 pods, 12.5%'`),
		fn("strings.quote", "A text in double quotes, its special characters written out.", `strings.quote('a"b')`, `'"a\\"b"'`),
	}}
}

func lists() Group {
	return Group{"Lists and sets", "", []Function{
		fn("first", "The first item, as an optional value.", `[1, 2].first().value()`, `1`),
		fn("last", "The last item, as an optional value.", `[1, 2].last().value()`, `2`),
		fn("distinct", "The items without repetitions.", `['a', 'b', 'a'].distinct()`, `['a', 'b']`),
		fn("flatten", "The items of lists in a list; one level, or as many as are given.", `[[[1], [2]], [[3]]].flatten(2)`, `[1, 2, 3]`),
		fn("slice", "The items from one position to before another.", `[1, 2, 3, 4].slice(1, 3)`, `[2, 3]`),
		fn("sort", "The items in order.", `[3, 1, 2].sort()`, `[1, 2, 3]`),
		fn("isSorted", "Whether the items are in order.", `[1, 2, 2].isSorted()`, `true`),
		fn("includes", "Whether a list has an item.", `[1, 2].includes(2)`, `true`),
		fn("min", "The smallest item.", `[3, 1, 2].min()`, `1`),
		fn("max", "The largest item.", `[duration('1s'), duration('2s')].max()`, `duration('2s')`),
		fn("sum", "The items together.", `[1, 2, 3].sum()`, `6`),
		fn("lists.range", "The numbers from 0 to before another.", `lists.range(3)`, `[0, 1, 2]`),
		fn("sets.contains", "Whether a list has all items of another one.", `sets.contains(['a', 'b'], ['b'])`, `true`),
		fn("sets.equivalent", "Whether two lists have the same items, in any order.", `sets.equivalent(['a', 'b'], ['b', 'a', 'a'])`, `true`),
		fn("sets.intersects", "Whether two lists have an item in common.", `sets.intersects(['a', 'b'], ['b', 'c'])`, `true`),
	}}
}

func numbers() Group {
	return Group{"Numbers", "", []Function{
		fn("math.greatest", "The largest of several numbers.", `math.greatest(1, 3, 2)`, `3`),
		fn("math.least", "The smallest of several numbers.", `math.least([1.5, 0.5])`, `0.5`),
		fn("math.abs", "A number without its sign.", `math.abs(-3)`, `3`),
		fn("math.sign", "-1, 0 or 1.", `math.sign(-3)`, `-1`),
		fn("math.round", "The nearest whole number.", `math.round(2.5)`, `3.0`),
		fn("math.ceil", "The next whole number above.", `math.ceil(2.1)`, `3.0`),
		fn("math.floor", "The next whole number below.", `math.floor(2.9)`, `2.0`),
		fn("math.trunc", "A number without its decimals.", `math.trunc(-2.9)`, `-2.0`),
		fn("math.sqrt", "The square root.", `math.sqrt(9)`, `3.0`),
		fn("math.isNaN", "Whether it is no number.", `math.isNaN(0.0 / 0.0)`, `true`),
		fn("math.isInf", "Whether it is infinite.", `math.isInf(1.0 / 0.0)`, `true`),
		fn("math.isFinite", "Whether it is neither.", `math.isFinite(1.0)`, `true`),
		fn("math.bitAnd", "The bits that both numbers have.", `math.bitAnd(6, 3)`, `2`),
		fn("math.bitOr", "The bits that one of them has.", `math.bitOr(6, 3)`, `7`),
		fn("math.bitXor", "The bits that exactly one of them has.", `math.bitXor(6, 3)`, `5`),
		fn("math.bitNot", "The other bits.", `math.bitNot(1)`, `-2`),
		fn("math.bitShiftLeft", "The bits moved to the left.", `math.bitShiftLeft(1, 4)`, `16`),
		fn("math.bitShiftRight", "The bits moved to the right.", `math.bitShiftRight(16, 2)`, `4`),
	}}
}

func times() Group {
	return Group{"Times and durations", "Parts of a time are in UTC, or in the time zone that is given.", []Function{
		fn("getFullYear", "The year.", `timestamp('2026-01-31T12:30:15.250Z').getFullYear()`, `2026`),
		fn("getMonth", "The month, from 0.", `timestamp('2026-01-31T12:30:15.250Z').getMonth()`, `0`),
		fn("getDate", "The day of the month, from 1.", `timestamp('2026-01-31T12:30:15.250Z').getDate()`, `31`),
		fn("getDayOfMonth", "The day of the month, from 0.", `timestamp('2026-01-31T12:30:15.250Z').getDayOfMonth()`, `30`),
		fn("getDayOfWeek", "The day of the week, Sunday is 0.", `timestamp('2026-01-31T12:30:15.250Z').getDayOfWeek()`, `6`),
		fn("getDayOfYear", "The day of the year, from 0.", `timestamp('2026-01-31T12:30:15.250Z').getDayOfYear()`, `30`),
		fn("getHours", "The hour; of a duration all its hours.", `timestamp('2026-01-31T12:30:15.250Z').getHours('+02:00')`, `14`),
		fn("getMinutes", "The minute; of a duration all its minutes.", `duration('1h30m').getMinutes()`, `90`),
		fn("getSeconds", "The second; of a duration all its seconds.", `duration('90s').getSeconds()`, `90`),
		fn("getMilliseconds", "The millisecond; of a duration those beyond whole seconds.", `timestamp('2026-01-31T12:30:15.250Z').getMilliseconds()`, `250`),
	}}
}

func encodings() Group {
	return Group{"Encodings", "", []Function{
		fn("base64.encode", "Bytes in Base64.", `base64.encode(bytes('web'))`, `'d2Vi'`),
		fn("base64.decode", "The bytes of a Base64 text, such as a value of a Secret.", `string(base64.decode('d2Vi'))`, `'web'`),
		fn("json.encode", "A value as JSON.", `json.encode({'a': [1, 2]})`, `'{"a":[1,2]}'`),
	}}
}
