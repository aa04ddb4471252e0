namespace QuickStart;

/// <summary>A small random number generator that gives the same numbers everywhere (Steele, Lea and Flood 2014).</summary>
internal sealed class SplitMix64(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The next number in [0, 1).</summary>
    public float Next()
    {
        _state += 0x9E3779B97F4A7C15;
        return (Mix(_state) >> 40) * (1f / (1 << 24));
    }

    public float Between(float low, float high) => low + (high - low) * Next();

    public bool Chance(float probability) => Next() < probability;

    /// <summary>About normally distributed, mean 0 and standard deviation 1: the sum of twelve uniform numbers less six.</summary>
    public float Normal()
    {
        float sum = -6;
        for (int i = 0; i < 12; i++)
            sum += Next();
        return sum;
    }

    public static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

/// <summary>Smooth random fields over the plane, with values from 0 to 1.</summary>
internal static class Noise
{
    /// <summary>One random value for a cell of the integer grid.</summary>
    public static float Cell(int x, int y, int seed)
    {
        ulong key = ((ulong)(uint)x << 32 | (uint)y) + (ulong)(uint)seed * 0x9E3779B97F4A7C15;
        return (SplitMix64.Mix(key) >> 40) * (1f / (1 << 24));
    }

    /// <summary>Random values at the integer grid points, blended smoothly between them.</summary>
    public static float Smooth(float x, float y, int seed)
    {
        int column = (int)MathF.Floor(x), row = (int)MathF.Floor(y);
        float u = Ease(x - column), v = Ease(y - row);
        float top = float.Lerp(Cell(column, row, seed), Cell(column + 1, row, seed), u);
        float bottom = float.Lerp(Cell(column, row + 1, seed), Cell(column + 1, row + 1, seed), u);
        return float.Lerp(top, bottom, v);
    }

    /// <summary>Fractal noise: every octave twice as fine and half as strong as the one before.</summary>
    public static float Fractal(float x, float y, int octaves, int seed)
    {
        float sum = 0, weight = 0, strength = 1;
        for (int octave = 0; octave < octaves; octave++, strength /= 2, x *= 2, y *= 2)
        {
            sum += strength * Smooth(x, y, seed + octave);
            weight += strength;
        }
        return sum / weight;
    }

    private static float Ease(float t) => t * t * (3 - 2 * t);
}
