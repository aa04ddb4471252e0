using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// Reads the values in a Python pickle, and runs nothing of it: of the format's instructions those that build plain
/// values, and of Python's names those that the caller gives a meaning. Anything else is refused by its name.
/// </summary>
/// <remarks>
/// Values are null, <see cref="bool"/>, <see cref="long"/>, <see cref="BigInteger"/>, <see cref="double"/>,
/// <see cref="string"/>, a tuple as object?[], a list as <see cref="List{T}"/>, a <see cref="PickledDictionary"/>, and
/// what the caller's functions return. Instructions and text are counted, so that a file of a few bytes cannot grow.
/// The instructions are those of Python's pickletools.py.
/// </remarks>
/// <param name="stream">Pickles one after the other; a byte behind the one that is read is not touched.</param>
/// <param name="names">The values of Python's names, such as <c>collections.OrderedDict</c>: functions of type <see cref="PickleFunction"/>, and others.</param>
/// <param name="loadPersistent">What stands for a persistent id, or null where there must be none.</param>
internal sealed class PickleReader(Stream stream, IReadOnlyDictionary<string, object> names, PickleFunction? loadPersistent = null)
{
    /// <summary>A state dictionary takes about 40 for each tensor.</summary>
    private const int MostInstructions = 1_000_000;

    private const int MostTextBytes = 1 << 23;
    private const int MostNameBytes = 200;
    private const int NewestProtocol = 5;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Instructions that exist and that no state dictionary needs.</summary>
    private static readonly (int Code, string Name)[] Refused =
    [
        ('0', "POP"), ('1', "POP_MARK"), ('2', "DUP"), ('F', "FLOAT"), ('I', "INT"), ('L', "LONG"), ('S', "STRING"), ('V', "UNICODE"), ('P', "PERSID"),
        ('Q', "BINPERSID"), ('d', "DICT"), ('l', "LIST"), ('g', "GET"), ('p', "PUT"), ('i', "INST"), ('o', "OBJ"), ('B', "BINBYTES"), ('C', "SHORT_BINBYTES"),
        (0x81, "NEWOBJ"), (0x82, "EXT1"), (0x83, "EXT2"), (0x84, "EXT4"), (0x8b, "LONG4"), (0x8d, "BINUNICODE8"), (0x8e, "BINBYTES8"), (0x8f, "EMPTY_SET"),
        (0x90, "ADDITEMS"), (0x91, "FROZENSET"), (0x92, "NEWOBJ_EX"), (0x96, "BYTEARRAY8"), (0x97, "NEXT_BUFFER"), (0x98, "READONLY_BUFFER"),
    ];

    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private int _textBytes;

    /// <summary>Reads one pickle from where the stream stands.</summary>
    /// <exception cref="FormatException">It is damaged, ends early, or asks for what is not allowed.</exception>
    public object? Read()
    {
        _stack.Clear();
        _marks.Clear();
        _memo.Clear();
        _textBytes = 0;
        for (var count = 0; count < MostInstructions; count++)
        {
            var instruction = ReadByte();
            if (instruction == '.')
                return Pop();
            Execute(instruction);
        }

        throw new FormatException($"The pickle has more than {MostInstructions} instructions, which no state dictionary needs.");
    }

    private void Execute(int instruction)
    {
        switch (instruction)
        {
            case 0x80: // PROTO
                if (ReadByte() is var protocol and > NewestProtocol)
                    throw new FormatException($"The pickle has protocol {protocol}; readable are those up to {NewestProtocol}.");
                break;
            case 0x95: // FRAME: how much a reader may fetch at once
                Take(sizeof(ulong));
                break;
            case '(': // MARK
                _marks.Push(_stack.Count);
                break;
            case 'N': // NONE
                Push(null);
                break;
            case 0x88: // NEWTRUE
                Push(true);
                break;
            case 0x89: // NEWFALSE
                Push(false);
                break;
            case 'K': // BININT1
                Push((long)ReadByte());
                break;
            case 'M': // BININT2
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort))));
                break;
            case 'J': // BININT
                Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int))));
                break;
            case 0x8a: // LONG1
                var integer = new BigInteger(Take(ReadByte()));
                Push(integer >= long.MinValue && integer <= long.MaxValue ? (object)(long)integer : integer);
                break;
            case 'G': // BINFLOAT
                Push(BinaryPrimitives.ReadDoubleBigEndian(Take(sizeof(double))));
                break;
            case 'U' or 0x8c: // SHORT_BINSTRING, SHORT_BINUNICODE
                Push(ReadText((uint)ReadByte()));
                break;
            case 'T' or 'X': // BINSTRING, BINUNICODE
                Push(ReadText(BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)))));
                break;
            case ')': // EMPTY_TUPLE
                Push(Array.Empty<object?>());
                break;
            case 0x85 or 0x86 or 0x87: // TUPLE1, TUPLE2, TUPLE3
                Push(PopFrom(_stack.Count - (instruction - 0x84)));
                break;
            case 't': // TUPLE
                Push(PopToMark());
                break;
            case ']': // EMPTY_LIST
                Push(new List<object?>());
                break;
            case 'a': // APPEND
                var element = Pop();
                Top<List<object?>>("list").Add(element);
                break;
            case 'e': // APPENDS
                var elements = PopToMark();
                Top<List<object?>>("list").AddRange(elements);
                break;
            case '}': // EMPTY_DICT
                Push(new PickledDictionary());
                break;
            case 's': // SETITEM
                var item = PopFrom(_stack.Count - 2);
                Top<PickledDictionary>("dictionary").Set(item);
                break;
            case 'u': // SETITEMS
                var items = PopToMark();
                Top<PickledDictionary>("dictionary").Set(items);
                break;
            case 'q': // BINPUT
                _memo[(uint)ReadByte()] = Top();
                break;
            case 'r': // LONG_BINPUT
                _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)))] = Top();
                break;
            case 0x94: // MEMOIZE
                _memo[(uint)_memo.Count] = Top();
                break;
            case 'h': // BINGET
                Push(Recall((uint)ReadByte()));
                break;
            case 'j': // LONG_BINGET
                Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)))));
                break;
            case 'c': // GLOBAL
                Push(Find(ReadLine(), ReadLine()));
                break;
            case 0x93: // STACK_GLOBAL
                var path = PopFrom(_stack.Count - 2);
                Push(path is [string module, string name] ? Find(module, name) : throw new FormatException("The pickle names something by values that are no text."));
                break;
            case 'Q' when loadPersistent is not null: // BINPERSID
                Push(loadPersistent(Pop() as object?[] ?? throw new FormatException("The pickle has a persistent id that is no tuple.")));
                break;
            case 'R': // REDUCE
                var arguments = Pop() as object?[] ?? throw new FormatException("The pickle calls a function with arguments that are no tuple.");
                Push((Pop() as PickleFunction ?? throw new FormatException("The pickle calls something that is no function."))(arguments));
                break;
            case 'b': // BUILD: attributes such as an OrderedDict's _metadata
                Pop();
                Top<PickledDictionary>("dictionary");
                break;
            default:
                throw new FormatException(Array.Find(Refused, known => known.Code == instruction) is { Name: { } known }
                    ? $"The pickle has the instruction {known}, which is not needed here."
                    : $"The pickle has the byte {instruction} where an instruction must be.");
        }
    }

    private void Push(object? value) => _stack.Add(value);

    private object? Pop() => PopFrom(_stack.Count - 1)[0];

    private object?[] PopToMark() =>
        _marks.TryPop(out var mark) ? PopFrom(mark) : throw new FormatException("The pickle ends a group that it has not begun.");

    private object?[] PopFrom(int start)
    {
        if (start < (_marks.TryPeek(out var mark) ? mark : 0) || start > _stack.Count)
            throw new FormatException("The pickle takes more values than it has made.");

        var values = new object?[_stack.Count - start];
        _stack.CopyTo(start, values, 0, values.Length);
        _stack.RemoveRange(start, values.Length);
        return values;
    }

    private object? Top() => _stack.Count > 0 ? _stack[^1] : throw new FormatException("The pickle remembers a value before it has made one.");

    private T Top<T>(string what) where T : class =>
        Top() as T ?? throw new FormatException($"The pickle adds to something that is no {what}.");

    private object? Recall(uint index) =>
        _memo.TryGetValue(index, out var value) ? value : throw new FormatException($"The pickle recalls the value {index}, which it has not remembered.");

    private object Find(string module, string name) =>
        names.TryGetValue($"{module}.{name}", out var value)
            ? value
            : throw new FormatException(
                $"The pickle asks for Python's {TensorEntry.Quote($"{module}.{name}")}, which no state dictionary needs. Nothing has been run. "
                + "Save only the tensors: torch.save(model.state_dict(), path).");

    private int ReadByte()
    {
        Span<byte> value = stackalloc byte[1];
        return TensorData.Fill(stream, value) == 1 ? value[0] : throw EndsEarly();
    }

    private byte[] Take(int count) => TensorData.ReadGrowing(stream, count) is var bytes && bytes.Length == count ? bytes : throw EndsEarly();

    private string ReadText(uint byteCount)
    {
        if (byteCount > MostTextBytes - _textBytes)
            throw new FormatException($"The pickle has more than {MostTextBytes} bytes of text, which no state dictionary needs.");
        _textBytes += (int)byteCount;

        return Decode(Take((int)byteCount));
    }

    private string ReadLine()
    {
        var bytes = new List<byte>();
        for (int value; (value = ReadByte()) != '\n';)
        {
            if (bytes.Count == MostNameBytes)
                throw new FormatException($"The pickle has a name of more than {MostNameBytes} bytes.");
            bytes.Add((byte)value);
        }

        return Decode([.. bytes]);
    }

    private static string Decode(byte[] bytes)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException fault)
        {
            throw new FormatException("The pickle has text that is not UTF-8.", fault);
        }
    }

    private static FormatException EndsEarly() => new("The file is cut off: it ends within a pickle.");
}
