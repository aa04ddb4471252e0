using System.Globalization;

namespace AutoSynthesis;

/// <summary>A value for each property that is tuned.</summary>
public sealed class Parameter(IReadOnlyDictionary<string, object> values)
{
    /// <summary>Gives the values to an object's properties.</summary>
    public T ApplyTo<T>(T options) where T : notnull
    {
        foreach (var (name, value) in values)
            typeof(T).GetProperty(name)!.SetValue(options, value);
        return options;
    }

    /// <summary>The values as text, which two parameters share only if they are equal.</summary>
    public override string ToString() => string.Join(", ", values.OrderBy(named => named.Key, StringComparer.Ordinal).Select(named => $"{named.Key} {Show(named.Value)}"));

    /// <summary>A property's value as a table shows it.</summary>
    public string Show(string name) => Show(values[name]);

    private static string Show(object value) => value is double number ? number.ToString("G4", CultureInfo.InvariantCulture) : Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
