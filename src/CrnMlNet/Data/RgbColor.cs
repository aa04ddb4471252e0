using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace CrnMlNet;

/// <summary>An sRGB colour with 8 bits per component, written <c>#rrggbb</c>.</summary>
/// <param name="R">Red, 0 to 255.</param>
/// <param name="G">Green, 0 to 255.</param>
/// <param name="B">Blue, 0 to 255.</param>
public readonly record struct RgbColor(byte R, byte G, byte B)
{
    /// <summary>Reads <c>#rrggbb</c> (the <c>#</c> may be left out).</summary>
    /// <exception cref="FormatException">The text is not six hexadecimal digits.</exception>
    public static RgbColor Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out var color)
            ? color
            : throw new FormatException($"'{text}' is not a colour; write it as #rrggbb, such as #804080.");
    }

    /// <summary>Reads <c>#rrggbb</c> (the <c>#</c> may be left out); false when the text is something else.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out RgbColor color)
    {
        color = default;
        var digits = text.AsSpan();
        if (digits.StartsWith("#"))
            digits = digits[1..];
        if (digits.Length != 6 || !int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            return false;

        color = new RgbColor((byte)(value >> 16), (byte)(value >> 8), (byte)value);
        return true;
    }

    /// <summary>The colour as <c>#rrggbb</c>, lower case.</summary>
    public override string ToString() => $"#{R:x2}{G:x2}{B:x2}";
}
