using System.Numerics;

namespace QuickStart;

/// <summary>A photo and what each of its pixels shows, row by row: one byte a pixel, and four (red, green, blue, 255).</summary>
internal sealed record Picture(byte[] Labels, byte[] Photo);

/// <summary>Photographs a street by following rays from the eye through every pixel.</summary>
internal sealed class Camera
{
    /// <summary>Rays a pixel has each way. Odd, so that the middle ray goes through the pixel's centre: its label counts.</summary>
    private const int Rays = 3;

    private const float SensorNoise = 0.008f;

    private static readonly Vector3 Sun = Vector3.Normalize(new(-0.5f, 0.78f, -0.42f));
    private static readonly Vector3 Zenith = Paint.Rgb(0x5b93d2);
    private static readonly Vector3 Haze = Paint.Rgb(0xcfdde6);
    private static readonly Vector3 Cloud = Paint.Rgb(0xf6f5f2);
    private static readonly Vector3 FarTrees = Paint.Rgb(0x56703f);

    private readonly Street _street;
    private readonly int _height, _width;
    private readonly float _focal, _horizon;
    private readonly Vector3 _eye, _sunlight, _skylight;
    private readonly Shape[] _shapes;
    private readonly Shape[] _cars;

    public Camera(Street street, int height, int width)
    {
        (_street, _height, _width) = (street, height, width);
        _focal = 1.0f * height;
        _horizon = street.Horizon * height;
        _eye = new Vector3(0, street.EyeHeight, 0);
        _sunlight = Vector3.Lerp(new(1.62f, 1.52f, 1.36f), new(1.75f, 1.42f, 1.05f), street.Warmth);
        _skylight = Vector3.Lerp(new(0.46f, 0.53f, 0.64f), new(0.46f, 0.48f, 0.58f), street.Warmth);
        _shapes = [.. street.Shapes.OrderBy(Nearest)];
        _cars = [.. street.Shapes.Where(shape => shape.Label is StreetClass.Car).DistinctBy(shape => shape.Origin)];
    }

    public Picture Shoot(SplitMix64 random)
    {
        var labels = new byte[_height * _width];
        var photo = new byte[4 * _height * _width];
        for (int column = 0; column < _width; column++)
        {
            Shape[] seen = [.. _shapes.Where(shape => MayShow(shape, column))];
            for (int row = 0; row < _height; row++)
            {
                int pixel = row * _width + column;
                Vector3 light = Expose(seen, row, column, out StreetClass label);
                labels[pixel] = (byte)label;
                photo[4 * pixel] = Paint.ToByte(light.X, SensorNoise * random.Normal());
                photo[4 * pixel + 1] = Paint.ToByte(light.Y, SensorNoise * random.Normal());
                photo[4 * pixel + 2] = Paint.ToByte(light.Z, SensorNoise * random.Normal());
                photo[4 * pixel + 3] = 255;
            }
        }
        return new Picture(labels, photo);
    }

    private static float Nearest(Shape shape) => shape.Middle.Z - shape.Reach;

    private bool MayShow(Shape shape, int column)
    {
        float left = (column - _width / 2f) / _focal, right = (column + 1 - _width / 2f) / _focal;
        return Aside(left) > -shape.Reach && Aside(right) < shape.Reach && shape.Middle.Z + shape.Reach > 0;

        float Aside(float tangent) => (shape.Middle.X - tangent * shape.Middle.Z) / MathF.Sqrt(1 + tangent * tangent);
    }

    private Vector3 Expose(Shape[] seen, int row, int column, out StreetClass label)
    {
        label = default;
        Vector3 sum = default;
        for (int i = 0; i < Rays * Rays; i++)
        {
            float x = column + (i % Rays + 0.5f) / Rays, y = row + (i / Rays + 0.5f) / Rays;
            sum += Follow(seen, new Vector3((x - _width / 2f) / _focal, (_horizon - y) / _focal, 1), out StreetClass met);
            if (i == Rays * Rays / 2)
                label = met;
        }
        return sum / (Rays * Rays);
    }

    /// <summary>The light that comes along a ray, and the class of what it comes from.</summary>
    private Vector3 Follow(Shape[] seen, Vector3 along, out StreetClass label)
    {
        float depth = along.Y < 0 ? MathF.Min(Street.End, -_eye.Y / along.Y) : Street.End;
        Shape? met = null;
        Touch touch = default;
        foreach (Shape shape in seen)
        {
            if (Nearest(shape) > depth)
                break;
            if (shape.Meets(_eye, along, out Touch candidate) && candidate.Depth < depth)
                (met, touch, depth) = (shape, candidate, candidate.Depth);
        }

        if (met is not null)
        {
            label = met.Label;
            return Fade(Lit(met, touch, _eye + along * depth), depth);
        }
        if (depth < Street.End)
        {
            Vector3 place = _eye + along * depth;
            (label, Vector3 colour) = _street.Ground(place.X, place.Z);
            return Fade(colour * Light(Vector3.UnitY, Shaded(place), Openness(place)), depth);
        }
        return Beyond(along, out label);
    }

    private Vector3 Lit(Shape shape, in Touch touch, Vector3 place)
    {
        Vector3 normal = shape.ToWorld(touch.Normal);
        bool shaded = shape is Solid && Vector3.Dot(normal, Sun) > 0 && Shaded(place + 0.02f * normal, shape);
        float openness = 0.65f + 0.35f * MathF.Min(1, place.Y / 1.5f);
        return shape.Surface(touch) * Light(normal, shaded, openness);
    }

    private Vector3 Light(Vector3 normal, bool shaded, float openness)
    {
        float direct = shaded ? 0 : MathF.Max(0, Vector3.Dot(normal, Sun));
        return _sunlight * direct + _skylight * openness * (0.75f + 0.25f * normal.Y);
    }

    /// <summary>Whether something keeps the sun, which stands behind the camera, from a place.</summary>
    private bool Shaded(Vector3 place, Shape? self = null)
    {
        foreach (Shape shape in _shapes)
        {
            if (Nearest(shape) > place.Z)
                return false;
            if (shape != self && shape.Shades(place, Sun))
                return true;
        }
        return false;
    }

    /// <summary>How much of the sky a place on the ground sees: little under a car.</summary>
    private float Openness(Vector3 place)
    {
        float open = 1;
        foreach (Shape car in _cars)
        {
            Vector3 away = place - car.Origin;
            float edge = MathF.Max(MathF.Abs(away.X) - 0.75f, MathF.Abs(away.Z) - car.Reach + 0.8f);
            open = MathF.Min(open, 0.25f + 0.75f * Math.Clamp(edge / 0.7f + 0.2f, 0, 1));
        }
        return open;
    }

    /// <summary>What lies behind the street: distant trees and the sky.</summary>
    private Vector3 Beyond(Vector3 along, out StreetClass label)
    {
        float crest = 0.02f + 0.06f * Noise.Fractal(along.X * 9 + 40, 0.5f, 3, 77);
        if (along.Y < crest)
        {
            label = StreetClass.Tree;
            float leaf = Noise.Fractal(along.X * 60, along.Y * 60, 2, 78);
            return Fade(FarTrees * (0.5f + leaf) * 1.3f, Street.End);
        }
        label = StreetClass.Sky;
        Vector3 clear = Vector3.Lerp(Haze, Zenith, MathF.Sqrt(MathF.Min(1, along.Y / 0.55f)));
        float puff = Noise.Fractal((along.X + 0.25f * _street.Warmth) * 3.2f + 11, along.Y * 7 + 3, 5, 90);
        return Vector3.Lerp(clear, Cloud, Math.Clamp((puff - 0.46f) * 4, 0, 0.9f));
    }

    private static Vector3 Fade(Vector3 light, float depth) => Vector3.Lerp(Haze, light, MathF.Exp(-depth / 190));
}
