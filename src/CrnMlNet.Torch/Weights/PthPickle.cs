using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>Elements of a .pth file, one after the other, that tensors are views of.</summary>
/// <param name="Key">What the file calls them.</param>
/// <param name="DataType">Their type.</param>
/// <param name="FileCount">How many the file has.</param>
/// <param name="Start">The first of those that the tensors see.</param>
/// <param name="Count">How many the tensors see.</param>
internal sealed record PthStorage(string Key, ScalarType DataType, long FileCount, long Start, long Count)
{
    public long FileByteCount => FileCount * DataType.ElementSize();
}

/// <summary>A tensor of a .pth file: a view of a storage, which is known to lie within it.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Storage">The elements that it is a view of.</param>
/// <param name="Offset">Where in the file's elements of that storage its first one is.</param>
/// <param name="Shape">The dimensions.</param>
/// <param name="Strides">For each dimension the elements from one index to the next.</param>
internal sealed record PthEntry(string Name, PthStorage Storage, long Offset, IReadOnlyList<long> Shape, IReadOnlyList<long> Strides)
    : TensorEntry(Name, Storage.DataType, Shape);

/// <summary>
/// The pickle of a .pth file: what PyTorch's <c>torch.save</c> writes of a state dictionary (torch/serialization.py,
/// torch/_utils.py). Tensors are views of storages, which it names and which stand elsewhere in the file.
/// </summary>
internal sealed class PthPickle
{
    private const int MostNesting = 16;

    /// <summary>libtorch's own iterators stop at 64 dimensions.</summary>
    private const int MostDimensions = 64;

    private static readonly Dictionary<string, object> Names = new()
    {
        ["collections.OrderedDict"] = new PickleFunction(MakeOrderedDictionary),
        ["torch._utils._rebuild_tensor"] = new PickleFunction(RebuildTensor),
        ["torch._utils._rebuild_tensor_v2"] = new PickleFunction(RebuildTensor),
        ["torch._utils._rebuild_parameter"] = new PickleFunction(RebuildParameter),
        ["torch.BoolStorage"] = ScalarType.Bool,
        ["torch.ByteStorage"] = ScalarType.Byte,
        ["torch.CharStorage"] = ScalarType.Int8,
        ["torch.ShortStorage"] = ScalarType.Int16,
        ["torch.IntStorage"] = ScalarType.Int32,
        ["torch.LongStorage"] = ScalarType.Int64,
        ["torch.HalfStorage"] = ScalarType.Float16,
        ["torch.BFloat16Storage"] = ScalarType.BFloat16,
        ["torch.FloatStorage"] = ScalarType.Float32,
        ["torch.DoubleStorage"] = ScalarType.Float64,
    };

    private readonly OrderedDictionary<string, TensorEntry> _entries = [];
    private readonly Dictionary<string, PthStorage> _storages = [];
    private long _mostNameCharacters;

    private PthPickle() { }

    /// <summary>
    /// The tensors by name: a key of the dictionary, and where dictionaries, lists or tuples are in it, the keys or
    /// indices on the way with points between them, as in <c>state_dict.conv1.weight</c>.
    /// </summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries => _entries;

    /// <summary>The storages by key, whole.</summary>
    public IReadOnlyDictionary<string, PthStorage> Storages => _storages;

    /// <summary>Reads the pickle from where a stream stands that tells its position, up to the pickle's end.</summary>
    /// <exception cref="FormatException">It is damaged, holds no tensors, or asks for what a state dictionary does not need.</exception>
    public static PthPickle Read(Stream stream)
    {
        var pickle = new PthPickle();
        var start = stream.Position;
        var value = new PickleReader(stream, Names, pickle.LoadStorage).Read();

        // A tensor's name is about as long as what is written of it; a list that is in itself, or in many, has no end of names.
        pickle._mostNameCharacters = 64 * (stream.Position - start);
        pickle.Collect("", value, 0);
        if (pickle._entries.Count == 0)
            throw new FormatException("The .pth file holds no tensors.");
        return pickle;
    }

    private void Collect(string name, object? value, int nesting)
    {
        _mostNameCharacters -= name.Length + 1;
        if (nesting > MostNesting || _mostNameCharacters < 0)
            throw new FormatException("The .pth file has lists or dictionaries in each other without end.");

        switch (value)
        {
            case PthEntry tensor:
                if (!_entries.TryAdd(name, tensor with { Name = name }))
                    throw new FormatException($"The .pth file has two tensors named {TensorEntry.Quote(name)}.");
                break;
            case PickledDictionary dictionary:
                foreach (var (key, item) in dictionary.Items)
                    Collect(name.Length == 0 ? $"{key}" : $"{name}.{key}", item, nesting + 1);
                break;
            case IReadOnlyList<object?> items:
                for (var i = 0; i < items.Count; i++)
                    Collect(name.Length == 0 ? $"{i}" : $"{name}.{i}", items[i], nesting + 1);
                break;
        }
    }

    /// <summary>A persistent id: ("storage", type, key, device, count), in the legacy form with a view behind it, (key, start, count) or None.</summary>
    private object LoadStorage(object?[] id)
    {
        if (id is not ["storage", ScalarType type, string key, _, long count, ..] || id.Length > 6)
            throw new FormatException("The .pth file has a persistent id that is no storage.");
        if (count < 0 || count > long.MaxValue / type.ElementSize())
            throw new FormatException($"The .pth file's storage {TensorEntry.Quote(key)} has {count} elements.");

        var whole = new PthStorage(key, type, count, 0, count);
        if (!_storages.TryAdd(key, whole) && _storages[key] != whole)
            throw new FormatException($"The .pth file has the storage {TensorEntry.Quote(key)} twice, with different types or sizes.");

        return id.ElementAtOrDefault(5) switch
        {
            null => whole,
            object?[] and [_, long start, long viewed] when start >= 0 && viewed >= 0 && start <= count - viewed => whole with { Start = start, Count = viewed },
            _ => throw new FormatException($"The .pth file has a view of the storage {TensorEntry.Quote(key)} that is not within it."),
        };
    }

    /// <summary>Without arguments, or as Python 2 writes it, with a list of keys and values.</summary>
    private static PickledDictionary MakeOrderedDictionary(object?[] arguments)
    {
        var dictionary = new PickledDictionary();
        if (arguments is [List<object?> pairs])
        {
            foreach (var pair in pairs)
                dictionary.Set(pair is IReadOnlyList<object?> { Count: 2 } and var item ? [item[0], item[1]] : throw new FormatException("The pickle has an OrderedDict of what are no pairs."));
        }
        else if (arguments.Length > 0)
            throw new FormatException("The pickle has an OrderedDict of what is no list.");
        return dictionary;
    }

    /// <summary>(storage, offset, size, strides), in version 2 with requires_grad, hooks and, rarely, metadata behind them.</summary>
    private static PthEntry RebuildTensor(object?[] arguments)
    {
        if (arguments is not [PthStorage storage, long offset, object?[] size, object?[] strides, ..] || arguments.Length > 7)
            throw new FormatException("The .pth file has a tensor without a storage, an offset, a size and strides.");
        if (arguments.Length == 7 && arguments[6] is not (null or PickledDictionary { IsEmpty: true }))
            throw new FormatException("The .pth file has a tensor with metadata (a conjugated or negated one), which cannot be read.");

        long[] shape = Integers(size), steps = Integers(strides);
        if (shape.Length != steps.Length || shape.Length > MostDimensions)
            throw new FormatException($"The .pth file has a tensor of {shape.Length} dimensions with {steps.Length} strides.");
        if (!IsCountable(shape, storage.DataType))
            throw new FormatException($"The .pth file has a tensor of shape {TensorEntry.Show(shape)}, which overflows 64 bits.");
        if (!IsWithin(storage.Count, offset, shape, steps))
        {
            throw new FormatException(
                $"The .pth file has a tensor of shape {TensorEntry.Show(shape)} with strides {TensorEntry.Show(steps)} from element {offset} on, "
                + $"which is not within its storage of {storage.Count} elements.");
        }

        return new PthEntry("", storage, storage.Start + offset, shape, steps);
    }

    private static PthEntry RebuildParameter(object?[] arguments) =>
        arguments is [PthEntry tensor, ..] ? tensor : throw new FormatException("The .pth file has a parameter without a tensor.");

    private static long[] Integers(object?[] values) =>
        Array.ConvertAll(values, value => value is long integer and >= 0 ? integer : throw new FormatException("The .pth file has a tensor with a size or stride that is no integer from 0 on."));

    /// <summary>Zeros count as ones, because libtorch multiplies the other dimensions into strides even where a tensor is empty.</summary>
    private static bool IsCountable(long[] shape, ScalarType type)
    {
        long bytes = type.ElementSize();
        foreach (var dimension in shape)
        {
            if (bytes > long.MaxValue / Math.Max(dimension, 1))
                return false;
            bytes *= Math.Max(dimension, 1);
        }

        return true;
    }

    private static bool IsWithin(long count, long offset, long[] shape, long[] strides)
    {
        if (offset < 0 || offset > count)
            return false;
        if (shape.Contains(0))
            return true;

        var last = offset;
        for (var i = 0; i < shape.Length; i++)
        {
            var reach = (Int128)(shape[i] - 1) * strides[i];
            if (reach > count - 1 - last)
                return false;
            last += (long)reach;
        }

        return last < count;
    }
}
