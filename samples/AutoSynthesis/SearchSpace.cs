using System.Globalization;
using System.Reflection;
using Microsoft.ML.SearchSpace;

namespace AutoSynthesis;

/// <summary>
/// The values that settings may have: one dimension for each property of a class that carries <see cref="RangeAttribute"/>,
/// <see cref="ChoiceAttribute"/> or <see cref="BooleanChoiceAttribute"/>, as in Microsoft.ML.AutoML's <c>SearchSpace&lt;T&gt;</c>.
/// </summary>
public sealed class SearchSpace
{
    private readonly SortedDictionary<string, Dimension> _dimensions = new(StringComparer.Ordinal);

    /// <summary>The space of a class' tunable properties.</summary>
    /// <param name="defaults">Has the values that are the defaults.</param>
    /// <exception cref="ArgumentException">It has none, or one is of a type that cannot be tuned.</exception>
    public static SearchSpace Of<T>(T defaults) where T : class
    {
        var space = new SearchSpace();
        foreach (var property in typeof(T).GetProperties())
        {
            if (Dimension.Of(property, defaults) is { } dimension)
                space._dimensions.Add(property.Name, dimension);
        }
        return space._dimensions.Count > 0 ? space : throw new ArgumentException($"{typeof(T).Name} has no property with [Range], [Choice] or [BooleanChoice].");
    }

    /// <summary>The names of the properties that are tuned.</summary>
    public IEnumerable<string> Names => _dimensions.Keys;

    /// <summary>Leaves a property as it is.</summary>
    /// <exception cref="ArgumentException">There is no such property.</exception>
    public SearchSpace Without(string name)
        => _dimensions.Remove(name) ? this : throw new ArgumentException($"'{name}' is not tuned; these are: {string.Join(", ", Names)}.");

    /// <summary>The defaults.</summary>
    public Parameter Default => new(_dimensions.ToDictionary(named => named.Key, named => named.Value.Default));

    /// <summary>Values at random, each dimension by itself and evenly; a range in logarithms, if its attribute says so.</summary>
    public Parameter Sample(Random random) => new(_dimensions.ToDictionary(named => named.Key, named => named.Value.Sample(random)));

    private sealed record Dimension(object Default, Func<Random, object> Sample)
    {
        public static Dimension? Of(PropertyInfo property, object owner)
        {
            Func<Random, object>? sample =
                property.GetCustomAttribute<RangeAttribute>() is { } range ? random => InRange(range, random.NextDouble())
                : property.GetCustomAttribute<ChoiceAttribute>() is { } choice ? random => choice.Candidates[random.Next(choice.Candidates.Length)]
                : property.GetCustomAttribute<BooleanChoiceAttribute>() is not null ? random => random.Next(2) == 1
                : null;
            return sample is null ? null : new(property.GetValue(owner)!, random => Convert.ChangeType(sample(random), property.PropertyType, CultureInfo.InvariantCulture));
        }

        private static object InRange(RangeAttribute range, double share)
        {
            double Number(object bound) => Convert.ToDouble(bound, CultureInfo.InvariantCulture);
            double min = Number(range.Min), max = Number(range.Max);
            if (range.Min is int)
                return (int)Math.Min(max, Math.Floor(min + share * (max - min + 1)));
            return range.LogBase ? min * Math.Pow(max / min, share) : min + share * (max - min);
        }
    }
}
