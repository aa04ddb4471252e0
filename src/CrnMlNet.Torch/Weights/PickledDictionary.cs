namespace CrnMlNet.Torch.Weights;

/// <summary>A function that a pickle may call, or what makes a value of a persistent id.</summary>
/// <param name="arguments">Values as <see cref="PickleReader"/> makes them.</param>
/// <exception cref="FormatException">The arguments are not what the function takes.</exception>
internal delegate object? PickleFunction(object?[] arguments);

/// <summary>A Python dictionary whose keys are text or integers, in its order.</summary>
internal sealed class PickledDictionary
{
    /// <summary>Made with the first item, because an empty dictionary takes one byte in a file.</summary>
    private OrderedDictionary<object, object?>? _items;

    public IEnumerable<KeyValuePair<object, object?>> Items => _items ?? [];

    public bool IsEmpty => _items is null or { Count: 0 };

    /// <summary>Sets keys and values that alternate.</summary>
    public void Set(object?[] items)
    {
        if (items.Length % 2 != 0)
            throw new FormatException("The pickle gives a dictionary a key without a value.");

        _items ??= new(items.Length / 2);
        for (var i = 0; i < items.Length; i += 2)
        {
            if (items[i] is not (string or long))
                throw new FormatException("The pickle has a dictionary with a key that is neither text nor an integer.");
            _items[items[i]!] = items[i + 1];
        }
    }
}
