using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace CrnMlNet.Torch;

/// <summary>Turns text into an option's value and back, for configuration and property editors.</summary>
/// <param name="parse">Reads the text.</param>
/// <param name="show">Gives the text that it reads.</param>
/// <typeparam name="T">The option's type.</typeparam>
internal abstract class TextConverter<T>(Func<string, T> parse, Func<T, string> show) : TypeConverter
    where T : class
{
    public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) =>
        sourceType == typeof(string) || base.CanConvertFrom(context, sourceType);

    public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
        value is string text ? parse(text) : base.ConvertFrom(context, culture, value);

    public override bool CanConvertTo(ITypeDescriptorContext? context, [NotNullWhen(true)] Type? destinationType) =>
        destinationType == typeof(string) || base.CanConvertTo(context, destinationType);

    public override object? ConvertTo(ITypeDescriptorContext? context, CultureInfo? culture, object? value, Type destinationType) =>
        value is T given && destinationType == typeof(string) ? show(given) : base.ConvertTo(context, culture, value, destinationType);
}
